#!/bin/sh
# recover.sh: gets a database back out of a holdfast store, without holdfast. Start with: sh recover.sh --help
# Needs gpg 2.2 or newer, zstd, and the standard tools of any Unix. RECOVERY.md beside it tells the whole story.
#
# The format, from the top:
# - A statement (holdfast.json, entry.json) has two lines: one JSON object, and {"signer":…,"signature":…}, where the
#   signature is a detached OpenPGP one of the first line's bytes without its line end.
# - keep-NNN/SET/snapshots/ID/entry.json says in public that a snapshot exists, and the SHA-256 of its manifest.
# - manifest.pgp beside it is an OpenPGP message to the recipients, signed by the host that made it. In it are: a JSON
#   line, which starts with the same fields as the entry; `stream SECTION DIALECT SEGMENTS ROWS BYTES {JSON}` for each
#   part of the dump; `page PACK OFFSET LENGTH SHA256 PLAIN SEGMENTS KEY` for each key page; `end STREAMS PAGES`.
# - A key page is a JSON line, then `PACK OFFSET LENGTH SHA256 PLAIN ROWS KEY` for each of its segments. All segments
#   of all pages in order are the dump: the first SEGMENTS of them are the first stream, the next the second, …
# - A segment or key page is LENGTH bytes from OFFSET in a pack. PACK is NNN/ID: the file
#   keep-NNN/SET/chains/WRITER-CHAIN/packs/ID. SHA256 is of these bytes. They are an OpenPGP packet encrypted with the
#   session key KEY (AES-256, hence `9:KEY`), which holds one zstd frame, which holds PLAIN bytes of text.
set -u
LC_ALL=C && export LC_ALL
umask 077
: "${GPG:=gpg}" "${GPG_OPTIONS=}"
BATCH_SEGMENTS=32 BATCH_BYTES=4194304 # how much is opened at a time
FILE_BLOCKS_MAX=20000                 # of 512 bytes or more: so no batch expands beyond all measure

usage() {
  cat <<'HELP'
Gets a database back out of a holdfast store, with gpg and zstd only.

  sh recover.sh                             lists the snapshots in the store
  sh recover.sh SET > dump.sql              the newest snapshot of a set, as SQL
  sh recover.sh SET@SNAPSHOT > dump.sql     another one: its id, the beginning of its id, or a date like 2026-11-21
  sh recover.sh --table NAME SET > t.sql    the rows of one table
  sh recover.sh --globals SET > roles.sql   roles and tablespaces of a PostgreSQL server

  --store DIR            the copy of the store; default: where this script is, or else the current folder
  --verify-signatures    stop also where none of your keys vouches for the signer (a bad signature stops always)
  --no-restrict          leave out \restrict, which psql older than August 2025 does not know
  --expired              also recover a snapshot that is past its end
  --ignore-ledger        go on although people were erased from this set: this may bring them back

gpg must hold the private key of a recipient (gpg --import KEYFILE); GNUPGHOME says where. GPG names another gpg
program, and GPG_OPTIONS options for it, such as: --pinentry-mode loopback --passphrase-file FILE
The result is complete only if the exit code is 0. 1: failed, 2: usage, 4: damaged or forged, 10: no store, 12: no key.
HELP
}
say() { printf 'recover.sh: %s\n' "$1" >&2; }
die() { # CODE MESSAGE [HINT]
  say "error: $2"
  [ $# -lt 3 ] || say "hint: $3"
  exit "$1"
}
has() { command -v "$1" >/dev/null 2>&1; }

# ---- Options, tools, and a private folder, in memory where that can be had: keys and rows shall not stay on a disk.
name='' what=dump table='' store='' strict='' restrict=yes expired='' ledger=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --store | --table) [ $# -ge 2 ] || die 2 "$1 needs a value" ;;
  esac
  case $1 in
    --store) store=$2 && shift ;;
    --table) what=table table=$2 && shift ;;
    --globals) what=globals ;;
    --verify-signatures) strict=yes ;;
    --no-restrict) restrict='' ;;
    --expired) expired=yes ;;
    --ignore-ledger) ledger=ignore ;;
    -*) die 2 "unknown option $1" 'See: sh recover.sh --help' ;;
    *) [ -z "$name" ] || die 2 'more than one snapshot is named' 'See: sh recover.sh --help'
       name=$1 ;;
  esac
  shift
done
if [ -z "$store" ]; then
  store=$(dirname -- "$0")
  [ -f "$store/holdfast.json" ] || store=.
fi
[ -f "$store/holdfast.json" ] || die 10 "there is no holdfast.json in $store" 'Name the copy of the store with --store DIR.'
has "$GPG" || die 1 "the program $GPG is not here" 'Install GnuPG 2.2 or newer.'
has zstd || die 1 'the program zstd is not here' 'Install the package zstd.'
if has sha256sum; then digest() { sha256sum "$@"; }
elif has shasum; then digest() { shasum -a 256 "$@"; }
elif has openssl; then digest() { openssl dgst -sha256 -r "$@"; }
else die 1 'there is no sha256sum, shasum or openssl here' 'Install one of them.'; fi
tmp=''
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
parent=${TMPDIR:-/tmp}
[ ! -d /dev/shm ] || [ ! -w /dev/shm ] || parent=/dev/shm
tmp=$(mktemp -d "$parent/recover.XXXXXX") && mkdir "$tmp/gnupg" "$tmp/pages" "$tmp/segments" || die 1 'cannot make a private folder'
: >"$tmp/gnupg/common.conf" # without it GnuPG 2.4 may want a daemon for its keys
TMPDIR=$tmp && export TMPDIR

# Three ways to call gpg. Session keys go through pipes, never through arguments, which other users of this machine can
# see. gpg repeats them on stderr ("DBG: seskey"), which is why that is thrown away.
# shellcheck disable=SC2086 # GPG_OPTIONS are several words
gpg_own() { "$GPG" $GPG_OPTIONS "$@"; } # with the user's own keys
gpg_checking() { "$GPG" --homedir "$tmp/gnupg" --batch --no-tty --no-autostart --quiet --ignore-time-conflict "$@"; }
gpg_unseal() { gpg_checking --no-keyring --trust-model always --override-session-key-fd 0 --decrypt "$1" 2>/dev/null; }

# ---- Entries. One line for each, oldest first:
# EFFECTIVE-TIME SET WRITER SEQ SNAPSHOT TIME END BYTES SIZE SOURCE STORE CHAIN MANIFEST-SHA256 FOLDER
entries() { # [SET]
  set -- "$store"/keep-*/${1:-*}/snapshots/*/entry.json
  [ -f "$1" ] || return 0
  store=$store awk '
    function value(key,   at, rest) { # the first one: before the fields asked for here no other can be called the same
      if (!(at = index($0, "\"" key "\":"))) return "?"
      rest = substr($0, at + length(key) + 3, 200)
      sub(/^"/, "", rest); sub(/[],"}].*/, "", rest); gsub(/[^A-Za-z0-9._:-]/, "?", rest)
      return rest == "" ? "?" : rest
    }
    function human(n,   unit) {
      for (unit = 1; n >= 1000 && unit < 5; unit++) n /= 1000
      return sprintf("%." (unit > 1 && n < 10) "f%s", n, substr("BkMGT", unit, 1))
    }
    FNR == 1 {
      path = substr(FILENAME, length(ENVIRON["store"]) + 2); set = value("set")
      folder = sprintf("keep-%03d/%s/snapshots/%s", value("keep_days"), set, value("snapshot"))
      if (index($0, "{\"kind\":\"entry\",\"format\":1,") != 1 || path != folder "/entry.json") {
        print "recover.sh: warning: " path " is no entry of format 1, or not in its place; it is left out" | "cat >&2"
        next
      }
      manifest = match($0, /"manifest":[{]"sha256":"[0-9a-f]*"/) ? substr($0, RSTART + 22, RLENGTH - 23) : "?"
      bytes = value("plain_bytes")
      print set, value("writer"), value("seq"), value("snapshot"), value("time"), value("end"), bytes, human(bytes), \
        value("source"), value("store"), value("chain"), manifest, folder
    }' "$@" | sort -k1,1 -k2,2 -k3,3n |
    # A writer whose clock jumped back took its snapshots in the order of their numbers all the same.
    awk '{ who = $1 " " $2; if ($5 > latest[who]) latest[who] = $5; print latest[who], $0 }' |
    sort -k1,1 -k2,2 -k3,3 -k4,4n
}

amended() { # FOLDER: a purge or a new recipient changed the snapshot after it was made
  set -- "$store/$1"/amend-*.json
  [ -f "$1" ]
}

list_snapshots() {
  row='%-12s %-22s %-16s %7s  %-8s %s\n'
  found=$(entries)
  [ -n "$found" ] || die 1 "there are no snapshots in $store"
  # shellcheck disable=SC2059
  printf "$row" SET SNAPSHOT 'TAKEN (UTC)' SIZE SOURCE STATE
  printf '%s\n' "$found" | while read -r _ set _ _ snapshot time end _ size source _ _ _ folder; do
    state="until ${end%T*}"
    if [ ! -f "$store/$folder/manifest.pgp" ]; then state='its manifest is gone'
    elif expr "$now" \> "$end" >/dev/null; then state="expired ${end%T*}"
    elif amended "$folder"; then state="$state, amended"; fi
    # shellcheck disable=SC2059
    printf "$row" "$set" "$snapshot" "$(printf '%.16s' "$time" | tr T ' ')" "$size" "$source" "$state"
  done
}

choose_snapshot() { # sets the fields of the newest snapshot that NAME means
  set=${name%%@*} wanted=''
  case $name in *@latest) ;; *@*) wanted=${name#*@} ;; esac
  case $set in '' | *[!a-z0-9_-]*) die 2 "$set is not the name of a set" ;; esac
  found=$(entries "$set")
  [ -n "$found" ] || die 1 "there is no snapshot of the set $set" 'sh recover.sh lists what there is.'
  found=$(printf '%s\n' "$found" | wanted=$wanted awk 'index($5, ENVIRON["wanted"]) == 1 || index($6, ENVIRON["wanted"]) == 1')
  [ -n "$found" ] || die 1 "no snapshot of $set is $wanted" 'sh recover.sh lists what there is.'
  live=$(printf '%s\n' "$found" | now=$now expired=$expired awk 'ENVIRON["expired"] != "" || $7 > ENVIRON["now"]')
  [ -n "$live" ] || die 1 "what there is of $name is past its end" 'If you may still read it: --expired.'
  # shellcheck disable=SC2034 # not every field is needed
  read -r _ _ writer _ snapshot time end _ size source store_id chain manifest_sha256 folder <<ROW
$(printf '%s\n' "$live" | tail -n 1)
ROW
  [ -f "$store/$folder/manifest.pgp" ] || die 4 "$folder/manifest.pgp is not there, so nobody can read snapshot $snapshot"
  ! amended "$folder" || die 1 "snapshot $snapshot was amended after it was made, which this script cannot follow" \
    'Fetch the newest recover.sh from the store, or use holdfast.'
  set -- "$store/ledger/$set"/*/*.json
  [ ! -f "$1" ] || [ -n "$ledger" ] || die 1 "the ledger of $set says that data was erased from it" \
    'Use holdfast, which keeps erased people out; or --ignore-ledger, and erase them again after loading.'
}

# ---- Signatures. In a key ring of its own gpg gets the keys of the hosts from the store, and the public parts of your
# private keys, which it trusts: then it knows whom they vouch for.
collect_keys() {
  own=$(gpg_own --list-secret-keys --with-colons 2>/dev/null | awk -F: '$1 == "sec" { s = 1 } $1 == "fpr" && s { print $10; s = 0 }')
  {
    set -- "$store"/writers/*.asc
    [ ! -f "$1" ] || gpg_checking --import "$@"
    # shellcheck disable=SC2086 # one word for each key
    [ -z "$own" ] || gpg_own --export $own | gpg_checking --import
    for key in $own; do echo "$key:6:"; done | gpg_checking --import-ownertrust
    gpg_checking --check-trustdb
  } 2>/dev/null
}

judge() { # WHAT STATUS: stops if the signature is not good; says whose it is
  signer=$(printf '%s\n' "$2" | awk '$2 == "VALIDSIG" { print $NF }')
  user=$(printf '%s\n' "$2" | sed -n 's/^.GNUPG:. [A-Z]*SIG [0-9A-F]\{16\} \(.*[^0-9 ].*\)/\1/p' | head -n 1 | tr -cd '[:print:]')
  case $(printf '%s\n' "$2" | grep -c '^.GNUPG:. NEWSIG')/$2 in
    1/*' BADSIG '* | 1/*' REVKEYSIG '*) signer=bad ;;
    1/*' VALIDSIG '*) ;;
    1/*' NO_PUBKEY '*) signer=unknown ;;
    *) signer=bad ;;
  esac
  case $signer/$2 in
    bad/*) die 4 "the signature of $1 is bad: it was changed or forged" 'Do not use it. Try another snapshot or another copy of the store.' ;;
    unknown/*) reason="is by a key that is not here" ;;
    *' TRUST_ULTIMATE '* | *' TRUST_FULLY '*) reason='' ;;
    *) reason="is by $signer ($user), for whom no key of yours vouches"
       ! gpg_own --list-keys "$signer" >/dev/null 2>&1 || reason='' ;;
  esac
  [ -n "$reason" ] || { say "$1: good signature by $signer ($user)" && return; }
  [ -z "$strict" ] || die 4 "the signature of $1 $reason" 'gpg --import the key, once you are sure whose it is.'
  say "warning: the signature of $1 $reason; be sure that you trust this store"
}

verify_statement() { # PATH: checks its form and signature
  awk 'END { exit NR != 2 }' "$store/$1" || die 4 "$1 does not have two lines: it is damaged"
  head -n 1 "$store/$1" | tr -d '\n' >"$tmp/line"
  sed -n '2s/.*"signature":"\([^"]*\)".*/\1/p' "$store/$1" | awk '{ gsub(/\\n/, "\n"); print }' >"$tmp/line.sig"
  judge "$1" "$(gpg_checking --status-fd 1 --verify "$tmp/line.sig" "$tmp/line" 2>/dev/null)"
}

# ---- The manifest: the one thing that needs a private key. gpg says which session key it found with it, and the
# message is then opened with that, beside the keys that verify its signature.
open_manifest() {
  sealed=$store/$folder/manifest.pgp
  [ "$(digest "$sealed" | cut -c1-64)" = "$manifest_sha256" ] || die 4 "$folder/manifest.pgp is not the one that its entry names"
  status=$(gpg_own --status-fd 1 --show-session-key --yes --output /dev/null --decrypt "$sealed" 2>"$tmp/said")
  key=$(printf '%s\n' "$status" | sed -n 's/^.GNUPG:. SESSION_KEY \(9:[0-9A-F]\{64\}\)$/\1/p')
  if [ -z "$key" ]; then
    grep -v '[0-9A-F]\{64\}' "$tmp/said" >&2
    die 12 'gpg cannot open the manifest' 'Import the private key of a recipient: gpg --import KEYFILE. See also: sh recover.sh --help'
  fi
  status=$(echo "$key" | gpg_checking --status-fd 1 --override-session-key-fd 0 --output "$tmp/manifest" --decrypt "$sealed" 2>/dev/null)
  case $status in *' DECRYPTION_OKAY'*' GOODMDC'*) ;; *) die 4 "$folder/manifest.pgp cannot be decrypted: it is damaged" ;; esac
  judge "$folder/manifest.pgp" "$status"
  # What binds it to its place (store, set, snapshot, writer, chain, …) is written alike in entry and manifest.
  stated=$(head -n 1 "$tmp/manifest" | awk 'index($0, "{\"kind\":\"manifest\",") == 1 && at = index($0, ",\"source\":{\"kind\":") { print substr($0, 20, at - 20) }')
  expected=$(head -n 1 "$store/$folder/entry.json" | awk 'match($0, /,"full":[tf]/) { print substr($0, 17, RSTART - 17) }')
  [ -n "$stated" ] && [ "$stated" = "$expected" ] || die 4 "$folder/manifest.pgp does not belong to its entry: they state different things"
}

# Which lines of which pages are wanted: `PACK OFFSET LENGTH SHA256 PLAIN SEGMENTS KEY FROM TO`, and at the end
# `total SEGMENTS BYTES`.
plan() {
  what=$what table=$table awk '
    function table_of(json,   at, text, c) { # the value of "table", out of JSON
      if (!(at = index(json, ",\"table\":\""))) return ""
      for (at += 10; (c = substr(json, at, 1)) != "\"" && c != ""; at++) text = text (c == "\\" ? substr(json, ++at, 1) : c)
      return text
    }
    function unquote(name,   i, c, quoted, text) { # SQL: "a""b" means a"b
      for (i = 1; (c = substr(name, i, 1)) != ""; i++)
        if (c != "\"") text = text c
        else if (quoted && substr(name, i + 1, 1) == "\"") { text = text c; i++ }
        else quoted = !quoted
      return text
    }
    function wanted(   t, plain) {
      if (ENVIRON["what"] != "table") return ($2 == "globals") == (ENVIRON["what"] == "globals")
      if ((t = table_of($0)) == "") return 0
      plain = unquote(t); names = names " " t
      return t == ENVIRON["table"] || plain == ENVIRON["table"] || plain == "public." ENVIRON["table"]
    }
    NR == 1 { next }
    ended { exit bad = 1 }
    $1 == "stream" && !pages {
      streams++; before = all; all += $4
      if (!wanted()) next
      chosen++; bytes += $6; segments += $4
      if (ranges && last[ranges] == before) last[ranges] = all
      else { first[++ranges] = before + 1; last[ranges] = all }
      next
    }
    $1 == "page" && NF == 8 {
      pages++; before = listed; listed += $7
      for (r = 1; r <= ranges; r++) if (first[r] <= listed && last[r] > before)
        print $2, $3, $4, $5, $6, $7, $8, (first[r] > before ? first[r] - before : 1), (last[r] < listed ? last[r] - before : $7)
      next
    }
    $1 == "end" && $2 == streams + 0 && $3 == pages + 0 && all == listed { ended = 1; next }
    { exit bad = 1 }
    END {
      if (bad || !ended) exit 1
      if (!chosen) { print "recover.sh: it has these tables:" names | "cat >&2"; exit 3 }
      printf "total %.0f %.0f\n", segments, bytes
    }' "$tmp/manifest"
}

# ---- Segments. The same two steps open key pages and segments; each user has a folder of its own.
fetch() { # DIR NUMBER PACK OFFSET LENGTH SHA256 PLAIN ROWS KEY: sealed bytes into DIR/sealed.NUMBER
  case $3/$9 in *[!0-9a-f/]* | */*/*/*) die 4 "a reference to pack $3 is malformed" ;; esac
  case $4$5$7$8/${#6}/${#9} in *[!0-9/]*/64/64 | *[!4] | */64/64/*) die 4 "a reference to pack $3 is malformed" ;; esac
  pack=keep-${3%/*}/$set/chains/$writer-$chain/packs/${3#*/}
  [ -f "$store/$pack" ] || die 4 "$pack is not there" 'Fetch the whole store, or use another copy of it.'
  tail -c "+$(($4 + 1))" "$store/$pack" | head -c "$5" >"$1/sealed.$2" || die 1 "cannot read $pack"
  printf '%s\n' "$6" >>"$1/expected" || die 1 'cannot write to the private folder'
}
