# Stands for the script of a real store.
