#!/bin/sh
# recover.sh: gets a database back out of a holdfast store, without holdfast. Start with: sh recover.sh --help
# Needs gpg 2.2 or newer, zstd, and the standard tools of any Unix. RECOVERY.md beside it tells the whole story.
#
# The format, from the top:
# - A statement (holdfast.json, entry.json) has two lines: a JSON object, and {"signer":…,"signature":…}, where the
#   signature is a detached OpenPGP one of the first line's bytes without its line end.
# - keep-NNN/SET/snapshots/ID/entry.json says in public that a snapshot exists, and the SHA-256 of its manifest.
# - manifest.pgp beside it is an OpenPGP message to the recipients, signed by the host that made it. In it are: a JSON
#   line, which begins with the same fields as the entry; `stream SECTION DIALECT SEGMENTS ROWS BYTES {JSON}` for each
#   part of the dump; `page PACK OFFSET LENGTH SHA256 PLAIN SEGMENTS KEY` for each key page; `also …`, to be skipped;
#   `end STREAMS PAGES`.
# - Where recipients were changed or people were erased later, ledger/SET/WRITER/SEQ.json has a line whose event is
#   `amended`, with ["ID",REVISION,SHA256] for each snapshot. The highest REVISION counts: amend-REVISION.json in the
#   folder of the same snapshot, below any keep-NNN, has this SHA256, and states that of manifest-REVISION.pgp, which
#   replaces manifest.pgp. Each line of a WRITER has the SHA-256 of the one before; the last one's signature is for all.
# - A line `purge-intent` says that people were erased. A snapshot is without them when an `amended` line of the same
#   `id` names it in `amended` or `clear`, and no later one in `left`. Its host knew of them when the entry's
#   `ledger_seen` covers that line.
# - A key page is a JSON line, then `PACK OFFSET LENGTH SHA256 PLAIN ROWS KEY` for each of its segments. All segments
#   of all pages in order are the dump: the first SEGMENTS of them are the first stream, the next the second, …
# - A segment or key page is LENGTH bytes from OFFSET in a pack. PACK is NNN/ID: the file
#   keep-NNN/SET/chains/WRITER-CHAIN/packs/ID. SHA256 is of these bytes. They are an OpenPGP packet encrypted with the
#   session key KEY (AES-256, hence `9:KEY`), which holds one zstd frame, which holds PLAIN bytes of text.
# shellcheck disable=SC2015,SC2034,SC2059,SC2094 # `A && B || die`; names for every field; formats in variables
set -u
LC_ALL=C && export LC_ALL
umask 077
: "${GPG:=gpg}" "${GPG_OPTIONS=}"
BATCH_SEGMENTS=32 BATCH_BYTES=4194304 SEGMENT_BYTES_MAX=4194304 # of text: so much is opened at a time
FILE_BLOCKS_MAX=20000 # of 512 bytes or more: no batch grows beyond it, whatever its packets claim to be

usage() {
  cat <<'HELP'
Gets a database back out of a holdfast store, with gpg and zstd only.

  sh recover.sh                             lists the snapshots in the store
  sh recover.sh SET > dump.sql              the newest snapshot of a set, as SQL
  sh recover.sh SET@SNAPSHOT > dump.sql     another one: its id, the beginning of its id, or a date like 2026-11-21
  sh recover.sh --table NAME SET > t.sql    the rows of one table
  sh recover.sh --globals SET > roles.sql   what belongs to the server: users or roles, tablespaces

  --store DIR            the copy of the store; default: where this script is, or else the current folder
  --verify-signatures    stop also where none of your keys vouches for the signer (a bad signature stops always)
  --no-restrict          leave out \restrict, which psql older than August 2025 does not know
  --expired              also recover a snapshot that is past its end
  --ignore-ledger        go on although people were erased whom this snapshot still has, or the ledger is not whole

gpg must hold the private key of a recipient (gpg --import KEYFILE); GNUPGHOME says where. GPG names another gpg
program, and GPG_OPTIONS options for it, such as: --pinentry-mode loopback --passphrase-file FILE
The result is complete only if the exit code is 0. 1: failed, 2: usage, 4: damaged or forged, 10: no store, 12: no key.
HELP
}
# Whoever could write to the store has named its files: no name drives the terminal, or looks like a line of this script.
say() { printf 'recover.sh: %s\n' "$(printf %s "$1" | tr '\001-\037\177' '?')" >&2; }
die() { # CODE MESSAGE [HINT]
  say "error: $2"
  [ $# -lt 3 ] || say "hint: $3"
  exit "$1"
}
damaged() { die 4 "$1" 'Do not use it. Try another snapshot, or another copy of the store.'; }
has() { command -v "$1" >/dev/null 2>&1; }

# ---- Entries. One line for each, oldest first:
# ORDER SET WRITER SEQ SNAPSHOT TIME END live|expired MB SOURCE STORE CHAIN MANIFEST-SHA256 FOLDER
entries() { # [SET]
  # shellcheck disable=SC2086 # the star must stay one
  set -- "$store"/keep-*/${1:-*}/snapshots/*/entry.json
  [ -f "$1" ] || return 0
  store=$store now=$(date -u +%Y-%m-%dT%H:%M:%S) awk '
    function value(key,   at, text) { # the first one; the format puts these fields where none can be mistaken for them
      if (!(at = index($0, "\"" key "\":"))) return "?"
      text = substr($0, at + length(key) + 3, 200)
      sub(/^"/, "", text); sub(/[],"}].*/, "", text); gsub(/[^A-Za-z0-9._:-]/, "?", text)
      return text == "" ? "?" : text
    }
    FNR == 1 {
      path = substr(FILENAME, length(ENVIRON["store"]) + 2); set = value("set"); end = value("end")
      days = substr(path, 6) + 0 # in a copy of a store an entry may lie below fewer days than in the store itself
      folder = sprintf("keep-%03d/%s/snapshots/%s", days, set, value("snapshot"))
      if (index($0, "{\"kind\":\"entry\",\"format\":1,") != 1 || path != folder "/entry.json" ||
          days > value("keep_days") + 0) {
        gsub(/[^ -~]/, "?", path)
        print "recover.sh: warning: " path " is no entry of format 1, or not in its place; it is left out" | "cat >&2"
        next
      }
      manifest = match($0, /"manifest":[{]"sha256":"[0-9a-f]*"/) ? substr($0, RSTART + 22, RLENGTH - 23) : "?"
      print set, value("writer"), value("seq"), value("snapshot"), value("time"), end, \
        (end > ENVIRON["now"] ? "live" : "expired"), sprintf("%.1f", value("plain_bytes") / 1e6), \
        value("source"), value("store"), value("chain"), manifest, folder
    }' "$@" | sort -k1,1 -k2,2 -k3,3n |
    # A writer whose clock jumped back took its snapshots in the order of their numbers all the same.
    awk '{ who = $1 " " $2; if ($5 > latest[who]) latest[who] = $5; print latest[who], $0 }' |
    sort -k1,1 -k2,2 -k3,3 -k4,4n
}

below_any_life() { # SET SNAPSHOT NAME: the object of this name with the longest life
  # shellcheck disable=SC2086 # the stars of the name must stay stars
  set -- "$store"/keep-*/"$1/snapshots/$2"/$3
  while [ $# -gt 1 ]; do shift; done
  [ ! -f "$1" ] || printf '%s\n' "${1#"$store/"}"
}

list_snapshots() {
  line='%-12s %-25s %-16s %10s  %-9s %s\n'
  found=$(entries)
  [ -n "$found" ] || die 1 "there are no snapshots in $store"
  printf "$line" SET SNAPSHOT 'TAKEN (UTC)' 'MB OF SQL' SOURCE STATE
  before=
  printf '%s\n' "$found" | while read -r order set writer seq snapshot time end state mb source rest; do
    [ "$set" = "$before" ] || { facts=$(ledger_says "$set") && before=$set; }
    case $state in live) state="until ${end%T*}" ;; *) state="expired ${end%T*}" ;; esac
    [ -n "$(below_any_life "$set" "$snapshot" 'manifest*.pgp')" ] || state='its manifest is gone'
    [ -z "$(below_any_life "$set" "$snapshot" 'amend-*.json')" ] || state="$state, amended"
    [ -z "$(purges_of unreached)" ] || state="$state, a purge has not reached it"
    [ -z "$(purges_of erased)" ] || state="$state, erased"
    clock=${time#*T}
    printf "$line" "$set" "$snapshot" "${time%T*} ${clock%:*}" "$mb" "$source" "$state"
  done
}

choose_snapshot() { # sets the fields of the newest snapshot that is meant
  set=${name%%@*} when=
  case $name in *@latest) ;; *@*) when=${name#*@} ;; esac
  case $set in '' | *[!a-z0-9_-]*) die 2 "$set is not the name of a set" "$help" ;; esac
  found=$(entries "$set" | when=$when awk '{ when = ENVIRON["when"]; n = length(when) }
    substr($5, 1, n) == when || substr($6, 1, n) == when')
  [ -n "$found" ] || die 1 "there is no snapshot $name" 'See what there is: sh recover.sh'
  [ -n "$expired" ] || found=$(printf '%s\n' "$found" | awk '$8 == "live"')
  [ -n "$found" ] || die 1 "what there is of $name is past its end" 'If you may read it all the same, add --expired.'
  found=$(printf '%s\n' "$found" | tail -n 1)
  read -r order set writer seq snapshot time end state mb source store_id chain manifest_sha256 folder <<FOUND
$found
FOUND
  say "snapshot $snapshot of $set, taken $time, $mb MB of SQL"
  ! grep -q '"needs":\["' "$store/$folder/entry.json" || die 1 "snapshot $snapshot needs a newer recover.sh" \
    'Fetch the newest recover.sh from the store, or use holdfast.'
}

# ---- Signatures. In a key ring of its own gpg gets the keys of the hosts from the store, and the public parts of your
# private keys, which it trusts: so it finds out for whom they vouch.
collect_keys() {
  own=$(gpg_own --list-secret-keys --with-colons 2>/dev/null |
    awk -F: '$1 == "fpr" && before == "sec" { print $10 } $1 != "grp" { before = $1 }')
  {
    set -- "$store"/writers/*.asc
    [ ! -f "$1" ] || gpg_checking --import "$@"
    # shellcheck disable=SC2086 # one word for each key
    [ -z "$own" ] || gpg_own --export $own | gpg_checking --import
    for key in $own; do echo "$key:6:"; done | gpg_checking --import-ownertrust
    gpg_checking --check-trustdb
  } >/dev/null 2>&1
}

judge() { # WHAT STATUS: says whose signature gpg found; stops if it does not hold
  # A status line is `[GNUPG:] WORD …`; a user id, which anybody can choose, stands behind some of the words.
  found=$(printf '%s\n' "$2" | tr -d '\000-\011\013-\037\177' | awk '
    $2 == "NEWSIG" { signatures++ }
    $2 ~ /^(BAD|EXP|REVKEY)SIG$/ { bad = 1 }
    $2 ~ /^(GOOD|EXPKEY)SIG$/ { user = $0; sub(/^[^ ]* [^ ]* [^ ]* */, "", user) }
    $2 == "VALIDSIG" { signer = $NF }
    $2 == "NO_PUBKEY" { missing = $3 }
    $2 ~ /^TRUST_(FULLY|ULTIMATE)$/ { vouched = 1 }
    END {
      if (bad || signatures != 1 || signer missing == "") print "bad"
      else if (signer == "") print "missing", missing
      else print vouched ? "good" : "unknown", signer, "(" user ")"
    }')
  read -r verdict signer user <<FOUND
$found
FOUND
  # Who has imported a host's key has thereby said that it is known.
  [ "$verdict" != unknown ] || ! gpg_own --list-keys "$signer" >/dev/null 2>&1 || verdict=good
  case $verdict in
    good) say "$1: good signature by $signer $user" && return ;;
    unknown) doubt="$1 is signed by $signer $user, and no key of yours vouches for it" ;;
    missing) doubt="$1 is signed with key $signer, which is not here to check it" ;;
    *) damaged "the signature of $1 is bad: somebody or something changed it" ;;
  esac
  [ -z "$strict" ] || die 4 "$doubt" 'Import the key with gpg --import once you are sure whose it is.'
  say "warning: $doubt; go on only if you know who could write to this store"
}

verify_statement() { # PATH
  [ "$(wc -l <"$store/$1")" -eq 2 ] || damaged "$1 does not have two lines"
  head -n 1 "$store/$1" | tr -d '\n' >"$tmp/line"
  sed -n '2s/.*"signature":"\([^"]*\)".*/\1/p' "$store/$1" | awk '{ gsub(/\\n/, "\n"); print }' >"$tmp/signature"
  judge "$1" "$(gpg_checking --status-fd 1 --verify "$tmp/signature" "$tmp/line" 2>/dev/null)"
}

# ---- The ledger: one line for each fact that its events, and the entries of the set, give together:
#   beyond PATH                          a line that cannot be followed
#   purge PURGE                          it was announced
#   announced SNAPSHOT                   it is to be amended
#   names SNAPSHOT REVISION SHA256 PATH  an amendment of it, and the line that says so
#   unreached SNAPSHOT PURGE             it has the people whom the purge erased
#   erased SNAPSHOT PURGE                it should have gone with the whole set
#   later SNAPSHOT PURGE                 the host that made it knew of the purge
ledger_says() { # SET
  set -- "$store/ledger/$1"/*/*.json "$store"/keep-*/"$1"/snapshots/*/entry.json
  [ ! -f "$1" ] || store=$store awk '
    function text(key,   at, rest) { # of the event; within a text each " has a \ before it, so none is taken for a name
      if (!(at = index(event, ",\"" key "\":\""))) return ""
      rest = substr(event, at + length(key) + 5, 200); sub(/".*/, "", rest)
      return rest
    }
    function list(key, closing,   at, rest) { # of the event, into item[]; returns how many
      if (!(at = index(event, ",\"" key "\":["))) return 0
      rest = substr(event, at + length(key) + 5); rest = substr(rest, 1, index(rest, closing) - 1)
      if (rest !~ /^["[]/) return 0
      gsub(closing == "]" ? "," : "[]],", " ", rest); gsub(/["[]/, "", rest)
      return split(rest, item, " ")
    }
    function is_free(id, snapshot, revision) { # since the last line that says so
      if (time > free[id, snapshot, revision]) free[id, snapshot, revision] = time
    }
    FNR > 1 { next }
    FILENAME ~ /\/entry\.json$/ {
      snapshot = substr(FILENAME, 1, length(FILENAME) - 11); sub(/.*\//, "", snapshot)
      seen = substr($0, index($0, "\"ledger_seen\":{") + 15); sub(/[}],"recipients":.*/, "", seen)
      entries[snapshot] = "," seen
      next
    }
    {
      path = substr(FILENAME, length(ENVIRON["store"]) + 2); gsub(/[^!-~]/, "?", path); split(path, place, "/")
      time = substr($0, index($0, ",\"time\":\"") + 9, 24)
      event = substr($0, index($0, ",\"event\":{") + 9); type = substr(event, 10); sub(/".*/, "", type)
      known = type ~ /^(rotation-intent|amended|rotation-done|purge-intent|purge-done|suppression-override)$/
      note = index(event, "{\"type\":\"" type "\",\"note\":true,") == 1 && !/"retired":/ # it only tells
      if (!(known || note) ||
          index(event, "{\"type\":\"") != 1 || /"needs":\["/ || (type != "purge-intent" && /"retired":\[\[/) ||
          (type == "purge-intent" && text("id") == "") || (type == "purge-done" && text("receipt") == ""))
        print "beyond", path
    }
    type ~ /^(rotation|purge)-intent$/ { for (n = list("snapshots", "]"); n > 0; n--) print "announced", item[n] }
    type == "purge-intent" {
      id = text("id")
      if (!(id in since) || time < since[id]) { since[id] = time; writer[id] = place[3]; seq[id] = place[4] + 0 }
      if (index(event, ",\"whole\":true")) whole[id] = 1
    }
    type == "amended" {
      for (n = list("amended", "]]"); n > 0; n--) {
        split(item[n], part, ","); print "names", part[1], part[2], part[3], path
        if (part[2] + 0 > revision[part[1]] + 0) revision[part[1]] = part[2]
        is_free(text("id"), part[1], part[2] + 0)
      }
      for (n = list("clear", "]]"); n > 0; n--) { split(item[n], part, ","); is_free(text("id"), part[1], part[2] + 0) }
      for (n = list("left", "]]"); n > 0; n--) {
        split(item[n], part, ",")
        if (time > left[text("id"), part[1], part[2] + 0]) left[text("id"), part[1], part[2] + 0] = time
      }
    }
    END {
      for (id in since) {
        print "purge", id
        head = ",\"" writer[id] "\":{\"seq\":"
        for (snapshot in entries) {
          at = index(entries[snapshot], head)
          knew = at && substr(entries[snapshot], at + length(head), 16) + 0 >= seq[id]
          if (id in whole) { if (!knew) print "erased", snapshot, id; continue }
          for (n = revision[snapshot] + 0; n >= 0; n--)
            if ((id, snapshot, n) in free && free[id, snapshot, n] > left[id, snapshot, n]) break
          if (n < 0) print (knew ? "later" : "unreached"), snapshot, id
        }
      }
    }' "$@"
}

purges_of() { # unreached|erased|later: of $snapshot, by $facts
  printf '%s\n' "$facts" | what=$1 snapshot=$snapshot awk '
    $1 == ENVIRON["what"] && $2 == ENVIRON["snapshot"] { printf "%s%s", before, $3; before = " " }'
}

# The chains of the ledger are whole, they cover what each other, the entries and the amendments have seen, and the last
# line of each is well signed. Lines that were cut off show only where something else has seen them.
check_ledger() {
  set -- "$store/ledger/$set"/*/*.json
  if [ -f "$1" ]; then digest "$@" >"$tmp/digests"; else : >"$tmp/digests" && set --; fi
  set -- "$tmp/digests" "$@" "$store"/keep-*/"$set"/snapshots/*/entry.json
  for amendment in "$store"/keep-*/"$set"/snapshots/*/amend-*.json; do
    [ ! -f "$amendment" ] || set -- "$@" "$amendment"
  done
  store=$store set=$set id=$store_id awk '
    FILENAME == ARGV[1] { sha256[FNR] = substr($1, 1, 64); next }
    FNR > 1 { next }
    { path = substr(FILENAME, length(ENVIRON["store"]) + 2); gsub(/[^!-~]/, "?", path) }
    path ~ /^ledger\// {
      split(path, place, "/"); n++
      if (place[3] != writer) { writer = place[3]; seq = 0; before = "null" }
      seq++
      head = "{\"format\":1,\"kind\":\"ledger\",\"store\":\"" ENVIRON["id"] "\",\"set\":\"" ENVIRON["set"] "\","
      head = head "\"writer\":\"" writer "\",\"seq\":" seq ",\"prev\":" before ","
      if (place[4] != sprintf("%010d.json", seq) || index($0, head) != 1) { print "broken", path; exit broken = 1 }
      before = "\"" sha256[n] "\""; there[writer, seq, sha256[n]]; last[writer] = path
      rest = substr($0, index($0, ",\"heads\":{") + 9); sub(/,"event":.*/, "", rest)
    }
    path !~ /^ledger\// { rest = substr($0, index($0, ",\"ledger_seen\":{") + 15); sub(/,"recipients":.*/, "", rest) }
    {
      while (match(rest, /"[a-z0-9_-]+":[{]"seq":[0-9]+,"sha256":"[0-9a-f]+"/)) {
        split(substr(rest, RSTART, RLENGTH), part, /[":{},]+/)
        seen[part[2], part[4] + 0, part[6]] = path
        rest = substr(rest, RSTART + RLENGTH)
      }
    }
    END {
      if (broken) exit
      for (one in seen) if (!(one in there)) print "behind", seen[one]
      for (writer in last) print "last", last[writer]
      print "read"
    }' "$@" | sort >"$tmp/checked"
  while read -r verdict path; do
    case $verdict in
      behind) verify_statement "$path" # a line of which somebody else only says that it was there is not gone
        die 4 "lines of the ledger that $path has seen are gone" "$whole_store" ;;
      broken) die 4 "the ledger is not whole at $path: lines are gone, or were changed" "$whole_store" ;;
      last) verify_statement "$path" && no_host "$path" ;;
    esac
  done <"$tmp/checked"
  grep -qx read "$tmp/checked" || die 1 'cannot read the ledger'
}

# Nobody who was erased comes back with this snapshot.
mind_purges() {
  beyond=$(printf '%s\n' "$facts" | sed -n '/^beyond /{s///p;q;}')
  [ -z "$beyond" ] || die 1 "$beyond says more than this script knows, perhaps that people were erased" \
    'Use holdfast, or a newer recover.sh; or add --ignore-ledger, which may bring erased people back.'
  for object in "$store"/keep-*/"$set"/suppression/*.*; do
    purge=${object##*/} purge=${purge%%.*}
    [ ! -f "$object" ] || printf '%s\n' "$facts" | grep -qxF "purge $purge" ||
      die 4 "there are objects of purge $purge, of which the ledger does not tell" "$whole_store"
  done
  purges=$(purges_of erased)
  [ -z "$purges" ] || die 1 "purge $purges has erased the whole set $set, and this snapshot was missed" \
    'Remove it. If it must be read all the same, add --ignore-ledger.'
  purges=$(purges_of unreached) reached=$(others)
  [ -z "$purges" ] || die 1 "purge $purges has not reached snapshot $snapshot: it has the people who were erased" \
    "Use holdfast, which leaves them out${reached:+, or one that it has reached:$reached}; or add --ignore-ledger."
  purges=$(purges_of later)
  [ -z "$purges" ] || say "note: it was taken after purge $purges, and has whom that erased if they were entered again"
}

others() { # the snapshots of the set that the purges have reached
  { printf '%s\n' "$facts" && entries "$set"; } | awk '
    $1 == "unreached" || $1 == "erased" { missed[$2] = 1 }
    NF > 8 && $8 == "live" && !($5 in missed) { printf " %s", $5 }'
}

# ---- Which revision of the snapshot counts: what the entry names, or what an amendment does that the ledger names.
choose_revision() {
  statement=$folder/entry.json object=manifest.pgp
  said=$(printf '%s\n' "$facts" | snapshot=$snapshot awk '$2 == ENVIRON["snapshot"] && $1 == "announced" { print 0, $1 }
    $2 == ENVIRON["snapshot"] && $1 == "names" { print $3, $4, $5 }' | sort -n | tail -n 1)
  if [ "${said%% *}" -gt 0 ] 2>/dev/null; then
    read -r revision sha256 line <<SAID
$said
SAID
    verify_statement "$line" && no_host "$line"
    object=manifest-$revision.pgp statement=$(below_any_life "$set" "$snapshot" "amend-$revision.json")
    [ -n "$statement" ] || damaged "amend-$revision.json of snapshot $snapshot, which the ledger names, is gone"
    [ "$(digest "$store/$statement" | cut -c1-64)" = "$sha256" ] ||
      damaged "$statement is not the one that the ledger names: its SHA-256 differs"
    verify_statement "$statement" && no_host "$statement"
    amends "$statement" || damaged "$statement does not belong to its entry: they differ"
    manifest_sha256=$(sed -n '1s/.*,"manifest":{"sha256":"\([0-9a-f]*\)".*/\1/p' "$store/$statement")
  elif [ -z "$said" ] && [ -n "$(below_any_life "$set" "$snapshot" 'amend-*.json')" ]; then
    die 1 "snapshot $snapshot was amended, and the ledger does not say so" 'Fetch the whole store with its ledger.'
  fi
  manifest=$(below_any_life "$set" "$snapshot" "$object")
  [ -n "$manifest" ] || damaged "$folder/$object is gone"
}

no_host() { # WHAT: hosts add snapshots; to replace one takes a recipient or a purge signer
  [ ! -f "$store/writers/$(printf %s "$signer" | tr A-F a-f).asc" ] ||
    damaged "$1 is signed by $signer, a host, which may not replace snapshots"
}

amends() { # PATH: it says the same as the entry, but for revision, recipients and ledger; and it names the entry
  fixed='s/"revision":[0-9]*,//; s/,"ledger_seen":.*//; s/^{"kind":"[a-z]*",//; q'
  [ "$(sed "$fixed" "$store/$1")" = "$(sed "$fixed" "$store/$folder/entry.json")" ] &&
    head -n 1 "$store/$1" | grep -qF "],\"entry\":\"$(digest "$store/$folder/entry.json" | cut -c1-64)\""
}

# ---- The manifest, the one thing that takes a private key. gpg says which session key it found with it, and with that
# the message is then opened in the key ring that can check its signature.
open_manifest() {
  [ "$(digest "$store/$manifest" | cut -c1-64)" = "$manifest_sha256" ] ||
    damaged "$manifest is not the one that its entry names: its SHA-256 differs"
  set -- --yes --output /dev/null --decrypt "$store/$manifest"
  key=$(gpg_own --status-fd 1 --show-session-key "$@" 2>"$tmp/said" |
    sed -n 's/^.GNUPG:. SESSION_KEY \(9:[0-9A-F]\{64\}\)$/\1/p')
  if [ -z "$key" ]; then
    grep -v '[0-9A-F]\{64\}' "$tmp/said" >&2
    die 12 'gpg cannot open the manifest' \
      'Import the private key of a recipient with gpg --import. About passphrases, see: sh recover.sh --help'
  fi
  set -- --output "$tmp/manifest" --decrypt "$store/$manifest"
  status=$(echo "$key" | gpg_checking --status-fd 1 --override-session-key-fd 0 "$@" 2>/dev/null)
  [ "$(printf '%s\n' "$status" | grep -c -e '^.GNUPG:. DECRYPTION_OKAY' -e '^.GNUPG:. GOODMDC')" -eq 2 ] ||
    damaged "$manifest cannot be decrypted"
  judge "$manifest" "$status"
  # What binds it to its place (store, set, snapshot, writer, chain, end, …) stands alike in entry or amendment.
  bound=$(head -n 1 "$store/$statement" | awk 'match($0, /,"(full":[tf]|life":[0-9])/) {
    $0 = substr($0, 1, RSTART - 1); sub(/^[{]"kind":"[a-z]*",/, ""); print }')
  found=$(head -n 1 "$tmp/manifest" | awk 'index($0, "{\"kind\":\"manifest\",") == 1 {
    print substr($0, 20, index($0, ",\"source\":{\"kind\":") - 20) }')
  [ -n "$bound" ] && [ "$bound" = "$found" ] || damaged "$manifest does not belong to its entry: they differ"
}

# A reference to a segment or page is sound: `PACK OFFSET LENGTH SHA256 PLAIN COUNT KEY`.
SOUND='function sound(pack, offset, len, sha256, plain, count, key) {
  return pack ~ /^[0-9]+\/[0-9a-f]+$/ && (offset " " len " " plain " " count) ~ /^[0-9]+ [0-9]+ [0-9]+ [0-9]+$/ &&
    (sha256 key) ~ /^[0-9a-f]+$/ && length(sha256) == 64 && length(key) == 64 && plain <= max && len <= 2 * max
}'

# What to read: the pages with wanted segments, as `PACK OFFSET LENGTH SHA256 PLAIN SEGMENTS KEY FIRST LAST`, and in the
# last line `total SEGMENTS BYTES`.
plan() {
  what=$what table=$table awk -v max="$SEGMENT_BYTES_MAX" "$SOUND"'
    function wanted(   name, plain) {
      if (ENVIRON["what"] != "table") return ($2 == "globals") == (ENVIRON["what"] == "globals")
      if (!index($0, ",\"table\":\"")) return 0
      name = substr($0, index($0, ",\"table\":\"") + 10); sub(/","columns":.*/, "", name) # out of the JSON
      gsub(/\\"/, "\"", name); gsub(/\\\\/, "\\\\", name)
      names = names "\n  " name; plain = name; gsub(/"/, "", plain)
      return index("\n" name "\n" plain "\n", "\n" ENVIRON["table"] "\n") || plain == "public." ENVIRON["table"]
    }
    NR == 1 { next }
    ended { exit bad = 1 }
    $1 == "stream" && !pages {
      streams++; before = all; all += $4
      if (!wanted()) next
      chosen++; segments += $4; bytes += $6
      if (!$4) next
      if (ranges && last[ranges] == before) last[ranges] = all
      else { first[++ranges] = before + 1; last[ranges] = all }
      next
    }
    $1 == "page" && NF == 8 && sound($2, $3, $4, $5, $6, $7, $8) {
      pages++; before = listed; listed += $7
      for (r = 1; r <= ranges; r++) if (first[r] <= listed && last[r] > before) {
        from = first[r] > before ? first[r] - before : 1
        print $2, $3, $4, $5, $6, $7, $8, from, (last[r] < listed ? last[r] - before : $7)
      }
      next
    }
    $1 == "also" { next }
    $1 == "end" && $2 == streams + 0 && $3 == pages + 0 && all + 0 == listed + 0 { ended = 1; next }
    { exit bad = 1 }
    END {
      if (bad || !ended) exit 1
      if (!chosen && names) print "recover.sh: there are these tables:" names | "cat >&2"
      if (!chosen) exit 3
      printf "total %.0f %.0f\n", segments, bytes
    }' "$tmp/manifest"
}

# ---- Segments. Pages and segments are opened alike, each in a folder of their own.
fetch() { # DIR NUMBER PACK OFFSET LENGTH SHA256: sealed bytes into DIR/sealed.NUMBER, and what is expected of them
  pack=keep-${3%/*}/$set/chains/$writer-$chain/packs/${3#*/}
  [ -f "$store/$pack" ] || die 4 "$pack is not there" 'Fetch the whole store, or use another copy of it.'
  tail -c "+$(($4 + 1))" "$store/$pack" | head -c "$5" >"$1/sealed.$2" && echo "$6 $4 $pack" >>"$1/expected" ||
    die 1 "cannot read $pack"
}

open_batch() { # DIR BYTES KEY…: the fetched ones one after the other into DIR/plain
  dir=$1 bytes=$2 && shift 2
  wrong=$(digest "$dir"/sealed.* | awk '
    NR == FNR { sha256[NR] = $1; place[NR] = "the segment at " $2 " of " $3; next }
    substr($1, 1, 64) != sha256[FNR] { print place[FNR]; exit }
    END { if (FNR + 1 in sha256) print place[FNR + 1] }' "$dir/expected" -)
  [ -z "$wrong" ] || damaged "$wrong is damaged: its SHA-256 differs"
  (
    ulimit -f "$FILE_BLOCKS_MAX"
    for sealed in "$dir"/sealed.*; do
      echo "9:$1" | gpg_unseal "$sealed" || exit
      shift
    done >"$dir/zst" && zstd -dcq <"$dir/zst" >"$dir/plain"
  ) || damaged "a segment of $pack does not open"
  [ "$(wc -c <"$dir/plain")" -eq "$bytes" ] || damaged "a segment of $pack does not have its length"
  rm -f "$dir"/sealed.* "$dir/expected"
}

list_segments() { # reads the plan, opens its pages
  while read -r place offset length sha256 plain segments key first last; do
    [ "$place" != total ] || break
    fetch "$tmp/pages" 1 "$place" "$offset" "$length" "$sha256"
    open_batch "$tmp/pages" "$plain" "$key"
    awk -v max="$SEGMENT_BYTES_MAX" -v n="$segments" -v first="$first" -v last="$last" "$SOUND"'
      NR == 1 && $0 == "{\"format\":1,\"kind\":\"page\"}" { next }
      NR == 1 || NF != 7 || !sound($1, $2, $3, $4, $5, $6, $7) { exit bad = 1 }
      NR - 1 >= first && NR - 1 <= last
      END { exit bad || NR != n + 1 }' "$tmp/pages/plain" || damaged "the key page at $offset of $pack is malformed"
  done
}

write_segments() { # SEGMENTS BYTES: reads their references, writes their text
  total=$1 total_bytes=$2 segments=0 bytes_done=0 batch=0 next=1 step=10 ends='\n' && shift 2
  [ ! -t 2 ] || step=1 ends='  \r'
  while read -r place offset length sha256 plain rows key; do
    fetch "$tmp/segments" $((100 + $#)) "$place" "$offset" "$length" "$sha256"
    set -- "$@" "$key"
    batch=$((batch + plain)) segments=$((segments + 1))
    [ $# -eq "$BATCH_SEGMENTS" ] || [ "$batch" -ge "$BATCH_BYTES" ] || [ "$segments" -eq "$total" ] || continue
    open_batch "$tmp/segments" "$batch" "$@"
    cat "$tmp/segments/plain" || die 1 'cannot write the result'
    bytes_done=$((bytes_done + batch)) batch=0 && set --
    percent=$((segments * 100 / total))
    [ "$percent" -lt "$next" ] || { printf "recover.sh: %d %%$ends" "$percent" >&2 && next=$((percent + step)); }
  done
  [ "$segments" -eq "$total" ] && [ "$bytes_done" -eq "$total_bytes" ] ||
    die 4 "the result is INCOMPLETE: $bytes_done of $total_bytes bytes"
}

# ---- Options.
name='' what=dump table='' store='' strict='' restrict=yes expired='' ledger='' facts=''
help='See: sh recover.sh --help'
whole_store='Fetch the whole store with its ledger; or add --ignore-ledger, which may bring erased people back.'
while [ $# -gt 0 ]; do
  case $1,$# in
    -h,* | --help,*) usage && exit ;;
    --store,1 | --table,1) die 2 "$1 needs a value" "$help" ;;
    --store,*) store=$2 && shift ;;
    --table,*) what=table table=$2 && shift ;;
    --globals,*) what=globals ;;
    --verify-signatures,*) strict=yes ;;
    --no-restrict,*) restrict='' ;;
    --expired,*) expired=yes ;;
    --ignore-ledger,*) ledger=ignored ;;
    -*) die 2 "there is no option $1" "$help" ;;
    *) [ -z "$name" ] || die 2 'more than one snapshot is named' "$help"
       name=$1 ;;
  esac
  shift
done

# ---- Tools, and a private folder: in memory where that can be had, for keys and rows shall not stay on a disk.
here=$(dirname -- "$0")
[ -n "$store" ] || [ ! -f "$here/holdfast.json" ] || store=$here
case $store in /*) ;; *) store=./$store ;; esac # no program shall take it for an option or an assignment
[ -f "$store/holdfast.json" ] || die 10 "there is no holdfast.json in $store" 'Name the copy of the store: --store DIR'
[ -n "$name" ] || { list_snapshots; exit; }
has "$GPG" && has zstd || die 1 "$GPG or zstd is not here" 'Install GnuPG 2.2 or newer and the package zstd.'
if has sha256sum; then digest() { sha256sum "$@"; }
elif has shasum; then digest() { shasum -a 256 "$@"; }
elif has openssl; then digest() { openssl dgst -sha256 -r "$@"; }
else die 1 'there is no sha256sum, shasum or openssl here' 'Install one of them.'; fi
tmp='' parent=${TMPDIR:-/tmp}
trap '[ -z "$tmp" ] || rm -rf "$tmp"' EXIT
trap 'exit 130' HUP INT PIPE TERM
[ ! -d /dev/shm ] || [ ! -w /dev/shm ] || parent=/dev/shm
tmp=$(mktemp -d "$parent/recover.XXXXXX") && mkdir "$tmp/gnupg" "$tmp/pages" "$tmp/segments" ||
  die 1 "cannot make a private folder in $parent"
: >"$tmp/gnupg/common.conf" # without it GnuPG 2.4 may want a daemon for its keys
TMPDIR=$tmp && export TMPDIR

# Three ways to call gpg. Session keys go through pipes, never through arguments, which other users of this machine can
# see. gpg repeats them on stderr ("DBG: seskey"), which is why that is thrown away.
# shellcheck disable=SC2086 # GPG_OPTIONS are several words
gpg_own() { "$GPG" $GPG_OPTIONS "$@"; } # with the user's own keys
gpg_checking() { "$GPG" --homedir "$tmp/gnupg" --batch --no-tty --no-autostart --quiet --ignore-time-conflict "$@"; }
gpg_unseal() { gpg_checking --no-keyring --trust-model always --override-session-key-fd 0 --decrypt "$1" 2>/dev/null; }

# ---- What happens.
choose_snapshot
collect_keys
verify_statement holdfast.json
[ "$(sed -n '1s/^{"format":1,"kind":"store","store":"\([^"]*\)".*/\1/p' "$store/holdfast.json")" = "$store_id" ] ||
  damaged "$folder/entry.json comes from another store, or the store is of a newer format"
verify_statement "$folder/entry.json"
facts=$(ledger_says "$set") || die 1 'cannot read the ledger'
[ -n "$ledger" ] || { check_ledger && mind_purges; }
choose_revision
open_manifest
plan >"$tmp/plan"
case $? in
  0) ;;
  3) die 1 "the snapshot has no $what $table" ;;
  *) damaged "$manifest is malformed" ;;
esac
head -n 1 "$tmp/manifest" | grep -q ',"source":{"kind":"postgres"' || restrict=''
# A dump is code. Between these lines psql runs no command of its own that somebody may have hidden in it.
[ -z "$restrict" ] || restrict=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
[ -z "$restrict" ] || printf '\\restrict %s\n' "$restrict" || exit 1
# shellcheck disable=SC2046 # two words
list_segments <"$tmp/plan" | write_segments $(sed -n 's/^total //p' "$tmp/plan") || exit
[ -z "$restrict" ] || printf '\\unrestrict %s\n' "$restrict" || exit 1
say "complete: $(sed -n 's/^total \([0-9]*\) \([0-9]*\)/\2 bytes of SQL in \1 segments/p' "$tmp/plan")"
