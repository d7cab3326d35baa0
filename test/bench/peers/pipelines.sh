#!/usr/bin/env bash
# The peers as a user would type them: pipelines.sh STEP, everything else by the environment.
set -euo pipefail

case $1 in
  pg-dump)
    pg_dump --dbname="$DATABASE_URL" >/dev/null ;;

  dump-size)
    pg_dump --dbname="$DATABASE_URL" | wc -c ;;

  gpg-backup)
    pg_dump --dbname="$DATABASE_URL" | zstd -q -3 |
      gpg --batch --quiet -z 0 --trust-model always --encrypt --recipient "$RECIPIENT" --output "$FILE" ;;
  gpg-cat)
    gpg --batch --quiet --decrypt "$FILE" | zstd -q -d ;;
  gpg-restore)
    createdb --maintenance-db="$MAINTENANCE_URL" "$COPY"
    gpg --batch --quiet --decrypt "$FILE" | zstd -q -d |
      psql -X -q -v ON_ERROR_STOP=1 --dbname="$COPY_URL" >/dev/null ;;

  restic-backup)
    pg_dump --dbname="$DATABASE_URL" | restic backup --quiet --stdin --stdin-filename shop.sql ;;
  restic-cat)
    restic dump --quiet latest shop.sql ;;

  borg-backup)
    pg_dump --dbname="$DATABASE_URL" | borg create --compression "$COMPRESSION" --stdin-name shop.sql "::$ARCHIVE" - ;;
  borg-cat)
    borg extract --stdout "::$ARCHIVE" ;;

  *)
    echo "pipelines.sh: no step '$1'" >&2
    exit 2 ;;
esac
