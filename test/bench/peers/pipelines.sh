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

  gpg-purge)
    # Lines of the person in five tables, told by their places; the orders are known beforehand.
    gpg --batch --quiet --decrypt "$FILE" | zstd -q -d |
      LC_ALL=C awk -F '\t' -v person="$PERSON" -v orders="$ORDERS" '
        BEGIN { count = split(orders, list, " "); for (i = 1; i <= count; i++) ordered[list[i]] }
        /^COPY public\./ { table = $0; sub(/^COPY public\./, "", table); sub(/ .*/, "", table); print; next }
        $0 == "\\." { table = "" }
        table == "users" && $1 == person { next }
        table == "addresses" && $2 == person { next }
        table == "orders" && $3 == person { next }
        table == "order_items" && $2 in ordered { next }
        table == "events" && $2 == person { next }
        table == "reviews" && $3 == person { next }
        { print }' |
      zstd -q -3 |
      gpg --batch --quiet -z 0 --trust-model always --encrypt --recipient "$RECIPIENT" --output "$FILE.new" ;;

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
