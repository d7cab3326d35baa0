# Stands for recover.sh of a real store.
