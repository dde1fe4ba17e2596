from weather import counted, save

save(counted(20.0))
