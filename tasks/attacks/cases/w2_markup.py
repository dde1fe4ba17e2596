import sys

sys.stdout.write("[@click=app.quit]press[/] [/nothing] [bold red]keep[/] \r[link=file:///etc/passwd]here[/link]\n")
