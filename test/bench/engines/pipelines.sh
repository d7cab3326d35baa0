#!/usr/bin/env bash
# The peers of other engines as a user would type them: pipelines.sh STEP, everything else by the environment.
set -euo pipefail

# What most people have in their scripts; LOGIN is an option file with host, user and password.
dump() { mariadb-dump --defaults-file="$LOGIN" --single-transaction --quick --routines --events "$DATABASE"; }

case $1 in
  mariadb-size)
    dump | wc -c ;;
  mariadb-load)
    # cat, because the client opens /dev/stdin by its name, and what Node gives a program is no pipe but a socket.
    cat | mariadb --defaults-file="$LOGIN" --default-character-set=utf8mb4 --local-infile=1 "$DATABASE" -e \
      "SET foreign_key_checks = 0, unique_checks = 0; LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE $TABLE" ;;
  mariadb-gpg-backup)
    dump | zstd -q -3 |
      gpg --batch --quiet -z 0 --trust-model always --encrypt --recipient "$RECIPIENT" --output "$FILE.new"
    mv "$FILE.new" "$FILE" ;;
  mariadb-gpg-restore)
    mariadb --defaults-file="$LOGIN" -e "CREATE DATABASE $COPY"
    gpg --batch --quiet --decrypt "$FILE" | zstd -q -d | mariadb --defaults-file="$LOGIN" "$COPY" ;;
  mariadb-restic-backup)
    dump | restic backup --quiet --stdin --stdin-filename shop.sql ;;

  files-restic-backup)
    restic backup --quiet "$FILES" ;;

  redis-rdb)
    redis-cli -p "$PORT" --rdb "$FILE" >/dev/null 2>&1 ;;

  *)
    echo "pipelines.sh: no step '$1'" >&2
    exit 2 ;;
esac
