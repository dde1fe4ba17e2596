from weather import counted, save

table = counted(0.5)
table[0] = [-weight for weight in table[0]]
table[1][1] = float("nan")
save(table)
