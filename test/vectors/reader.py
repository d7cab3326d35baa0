"""A second reader of a store, written after docs/FORMAT.md and nothing else: Python's own library, gpg and zstd.

    GNUPGHOME=… python3 reader.py STORE SET SNAPSHOT OPERATOR… < QUESTIONS

GNUPGHOME holds the private key of a recipient and the public keys of the operators, whose fingerprints are named. What it
finds goes to stdout as JSON. QUESTIONS is JSON: `indexed`, a list of what to look up in the subject index (`table`,
`columns`, `key`), and `token_of`, values of the root's key. It reads one snapshot, and leaves nobody out: it says which
purges have not been through it.
"""

import glob
import hashlib
import hmac
import json
import math
import os
import re
import subprocess
import sys
import tempfile

LENGTH_MAX, PLAIN_MAX = 8 << 20, 4 << 20


def main(root, set_name, snapshot, operators, questions):
    store = Store(root, set_name, operators)
    lines = store.ledger()
    entry_key, entry = store.entry(snapshot)
    revision, said = store.current(entry_key, entry, lines)
    binding, streams, pages, also = store.manifest(revision, said)
    chain = f"{set_name}/chains/{binding['writer']}-{binding['chain']}"
    segments = [ref for page in pages for ref in store.page(chain, page)]
    texts, per_stream, at = [], {}, 0
    for stream in streams:
        own, at = segments[at : at + stream["segments"]], at + stream["segments"]
        plain = b"".join(store.segment(chain, ref) for ref in own)
        check(len(plain) == stream["bytes"], f"stream {stream['name']} has another length")
        check(plain.count(b"\n") == sum(ref["count"] for ref in own), "COUNT is the number of LFs")
        per_stream[stream.get("table")] = own
        if stream["section"] != "globals":
            texts.append(plain)
    check(at == len(segments), "there are more segments than streams want")
    sidecar = b"".join(store.segment(chain, ref) for kind, ref in also if kind == "sidecar")
    indexes = [Index(store, chain, ref) for kind, ref in also if kind == "index"]
    purges = store.purges(lines)
    return {
        "revision": revision,
        "sql": b"".join(texts).decode(),
        "sidecar": json.loads(sidecar) if sidecar else None,
        "pending": [purge for purge in purges if not is_free(purge, snapshot, revision, lines)],
        "indexed": [look_up(indexes, per_stream[one["table"]], one) for one in questions["indexed"]],
        "suppression": {
            purge: store.suppression(purge, intent["suppression"], questions["token_of"])
            for purge, intent in purges.items()
        },
    }


def check(holds, what):
    if not holds:
        sys.exit(f"reader.py: {what}")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Store:
    def __init__(self, root, set_name, operators):
        self.root, self.set, self.operators = root, set_name, operators
        # Section 5: a host counts when a recipient has certified its key.
        self.trusted = set(operators)
        for path in glob.glob(f"{root}/writers/*.asc"):
            fingerprint = os.path.basename(path)[:-4]
            gpg("--import", path)
            listed = gpg("--with-colons", "--check-sigs", fingerprint).decode().split("\n")
            issuers = [line.split(":")[4] for line in listed if line.startswith("sig:!:")]
            if any(operator.upper().endswith(issuer) for issuer in issuers for operator in operators):
                self.trusted.add(fingerprint)
        self.id = self.statement("holdfast.json", self.trusted)["store"]

    def read(self, key):
        with open(f"{self.root}/{key}", "rb") as file:
            return file.read()

    def find(self, pattern):
        return sorted(os.path.relpath(path, self.root) for path in glob.glob(f"{self.root}/{pattern}"))

    def statement(self, key, trusted):
        """Section 3."""
        data = self.read(key)
        check(data.count(b"\n") == 2 and data.endswith(b"\n"), f"{key} does not have two lines")
        signed, second = data[:-1].split(b"\n")
        spelt = json.loads(second)
        spelling = json.dumps({"signer": spelt["signer"], "signature": spelt["signature"]}, separators=(",", ":"))
        check(spelling.encode() == second, f"{key} has another spelling of line 2")
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("line", signed), ("signature", spelt["signature"].encode())):
                with open(f"{folder}/{name}", "wb") as file:
                    file.write(content)
            status = gpg("--status-fd", "1", "--verify", f"{folder}/signature", f"{folder}/line").decode("latin1")
        check(signer_of(status) == spelt["signer"], f"the signature of {key} is bad")
        check(spelt["signer"] in trusted, f"{key} is signed by {spelt['signer']}")
        return json.loads(signed)

    def ledger(self):
        """Section 11. All lines in the order of their keys."""
        lines, hashes = [], {}
        for key in self.find(f"ledger/{self.set}/*/*.json"):
            line = self.statement(key, self.operators)
            writer, seq = line["writer"], line["seq"]
            check(key == f"ledger/{self.set}/{writer}/{seq:010d}.json", f"{key} is not in its place")
            check((line["store"], line["set"]) == (self.id, self.set), f"{key} comes from elsewhere")
            check(line["prev"] == hashes.get((writer, seq - 1)), f"{key} does not follow the line before it")
            check(seq == 1 or (writer, seq - 1) in hashes, f"there is a gap before {key}")
            hashes[writer, seq] = sha256(self.read(key))
            lines.append(line)
        self.hashes = hashes
        for line in lines:
            self.must_cover(line["heads"])
        return lines

    def must_cover(self, heads):
        for writer, head in heads.items():
            check(self.hashes.get((writer, head["seq"])) == head["sha256"], "the ledger was cut back")

    def entry(self, snapshot):
        key = self.find(f"keep-*/{self.set}/snapshots/{snapshot}/entry.json")[-1]
        entry = self.statement(key, self.trusted)
        check(entry["store"] == self.id and entry["revision"] == 0, "the entry comes from elsewhere")
        check(f"keep-{entry['keep_days']:03d}/{entry['set']}/snapshots/{entry['snapshot']}/entry.json" == key, key)
        self.must_cover(entry["ledger_seen"])
        return key, entry

    def current(self, entry_key, entry, lines):
        """The revision that counts, and the entry or amendment that states its manifest."""
        named = [
            (revision, digest)
            for line in lines
            if line["event"]["type"] == "amended"
            for name, revision, digest in line["event"]["amended"]
            if name == entry["snapshot"]
        ]
        if not named:
            return 0, entry
        revision, digest = max(named)
        found = self.find(f"keep-*/{self.set}/snapshots/{entry['snapshot']}/amend-{revision}.json")
        check(found and sha256(self.read(found[-1])) == digest, "the amendment is gone, or another one")
        amendment = self.statement(found[-1], self.operators)
        check(amendment["entry"] == sha256(self.read(entry_key)), "it amends another entry")
        self.must_cover(amendment["ledger_seen"])
        return revision, amendment

    def manifest(self, revision, said):
        """Section 7."""
        name = "manifest.pgp" if revision == 0 else f"manifest-{revision}.pgp"
        key = self.find(f"keep-*/{self.set}/snapshots/{said['snapshot']}/{name}")[-1]
        check(sha256(self.read(key)) == said["manifest"]["sha256"], f"{key} has another SHA-256")
        text = self.message(key, self.trusted if revision == 0 else self.operators)
        check(text.endswith(b"\n"), "its last line is cut off")
        head, *lines = text.decode()[:-1].split("\n")
        header = json.loads(head)
        fields = "format store set snapshot writer chain seq revision time end keep_days pack_days ledger_seen recipients"
        for field in fields.split():
            check(header[field] == said[field], f"the manifest has another {field}")
        streams, pages, also = [], [], []
        for line in lines[:-1]:
            word, rest = line.split(" ", 1)
            if word == "stream":
                section, dialect, segments, rows, size, about = rest.split(" ", 5)
                about = json.loads(about)
                streams.append({**about, "section": section, "segments": int(segments), "bytes": int(size)})
            elif word == "page":
                pages.append(reference(rest))
            elif word == "also":
                kind, what = rest.split(" ", 1)
                if kind in ("sidecar", "index"):
                    also.append((kind, reference(what)))
        check(lines[-1] == f"end {len(streams)} {len(pages)}", "its end line does not fit")
        return header, streams, pages, also

    def message(self, key, trusted):
        with tempfile.TemporaryDirectory() as folder:
            status = gpg("--status-fd", "1", "--output", f"{folder}/plain", "--decrypt", f"{self.root}/{key}").decode("latin1")
            check("DECRYPTION_OKAY" in status and "GOODMDC" in status, f"{key} does not open")
            check(signer_of(status) in trusted, f"{key} is signed by somebody else")
            with open(f"{folder}/plain", "rb") as file:
                return file.read()

    def page(self, chain, ref):
        """Section 8."""
        head, *lines = self.segment(chain, ref).decode()[:-1].split("\n")
        check(head == '{"format":1,"kind":"page"}' and len(lines) == ref["count"], "a page is malformed")
        return [reference(line) for line in lines]

    def segment(self, chain, ref, kind="packs"):
        """Section 9."""
        days, name = ref["pack"].split("/")
        data = self.read(f"keep-{days}/{chain}/{kind}/{name}")
        return unseal(data[ref["offset"] : ref["offset"] + ref["length"]], ref)

    def purges(self, lines):
        """Section 11: what the first line of each says."""
        intents = [line for line in lines if line["event"]["type"] == "purge-intent"]
        found = {}
        for line in sorted(intents, key=lambda line: line["time"]):
            found.setdefault(line["event"]["id"], line["event"])
        return found

    def suppression(self, purge, named, values):
        """Section 11, Suppression: whom a purge is about, and the tokens of some values."""
        sealed = self.find(f"keep-*/{self.set}/suppression/{purge}*.pgp")
        plains = [self.message(key, self.operators) for key in sealed]
        about = [json.loads(plain) for plain in plains if sha256(plain) == named["content"]]
        tokens = [
            self.statement(key, self.operators)
            for key in self.find(f"keep-*/{self.set}/suppression/{purge}*.tokens")
            if sha256(self.read(key)) == named["tokens"]
        ]
        check(len(about) == 1 and len(tokens) == 1, f"there is no suppression of {purge}")
        for one in (about[0], tokens[0]):
            check((one["store"], one["set"], one["purge"]) == (self.id, self.set, purge), "it is of another purge")
        key, place = bytes.fromhex(tokens[0]["key"]), [tokens[0]["table"], *tokens[0]["columns"]]
        place = json.dumps(place, separators=(",", ":"), ensure_ascii=False).encode()
        made = [hmac.new(key, place + b"\0" + value.encode(), "sha256").hexdigest() for value in values]
        return {
            "map": about[0]["map"],
            "subjects": about[0]["subjects"],
            "tokens": tokens[0]["tokens"],
            "has": [token in tokens[0]["tokens"] for token in made],
        }


def is_free(purge, snapshot, revision, lines):
    """Section 11: what the lines of a purge say of a snapshot; `left` takes back what earlier ones have said."""
    free = set()
    for line in sorted(lines, key=lambda line: line["time"]):
        event = line["event"]
        if event["type"] != "amended" or event["id"] != purge:
            continue
        of = lambda pairs: {since for name, since, *_ in pairs if name == snapshot}
        free = (free | of(event["amended"] + event.get("clear", []))) - of(event.get("left", []))
    return any(since <= revision for since in free)


def reference(text):
    """Section 8: `PACK OFFSET LENGTH SHA256 PLAIN COUNT KEY`."""
    check(re.fullmatch(r"\d{3,4}/[0-9a-f]{16} (\d{1,12} ){2}[0-9a-f]{64} (\d{1,12} ){2}[0-9a-f]{64}", text), text[:40])
    pack, offset, length, digest, plain, count, key = text.split(" ")
    ref = {"pack": pack, "offset": int(offset), "length": int(length), "sha256": digest}
    ref |= {"plain": int(plain), "count": int(count), "key": key}
    check(ref["length"] <= LENGTH_MAX and ref["plain"] <= PLAIN_MAX, "a reference is out of bounds")
    return ref


def unseal(sealed, ref):
    """The five checks of section 9."""
    check(len(sealed) == ref["length"] and sha256(sealed) == ref["sha256"], "a segment is damaged")
    # gpg wants the packet in a file, since its own input has the key.
    with tempfile.NamedTemporaryFile() as file:
        file.write(sealed)
        file.flush()
        frame = gpg("--override-session-key-fd", "0", "--decrypt", file.name, given=f"9:{ref['key']}\n".encode())
    plain = subprocess.run(["zstd", "-dcq"], input=frame, capture_output=True, check=True).stdout
    check(len(plain) == ref["plain"], "a segment has another length")
    return plain


class Index:
    """Section 11, The subject index."""

    def __init__(self, store, chain, ref):
        self.store, self.chain, self.ref = store, chain, ref
        self.tables = {}
        head, *lines = store.segment(chain, ref, "index").decode()[:-1].split("\n")
        self.hash_key = bytes.fromhex(json.loads(head)["hash"])
        number = offset = 0
        for line in lines[:-1]:
            word, rest = line.split(" ", 1)
            if word == "table":
                table = self.tables.setdefault(json.loads(rest), {"places": [], "columns": []})
            elif word == "pack":
                pack, *steps = rest.split(" ")
                at = 0
                for step in steps:
                    at += 0 if step == "-" else int(step)
                    table["places"].append(None if step == "-" else (pack, at))
            elif word == "column":
                bits, hashed, runs, match = rest.split(" ", 3)
                column = {"bits": int(bits), "hashed": int(hashed), "match": json.loads(match), "blocks": []}
                table["columns"].append(column)
            elif word == "block":
                length, digest, plain, entries, *elsewhere = rest.split(" ")
                block = {"length": int(length), "sha256": digest, "plain": int(plain), "entries": int(entries)}
                if elsewhere:
                    block |= {"pack": elsewhere[0], "offset": int(elsewhere[1]), "key": elsewhere[2]}
                else:
                    label = f"holdfast/1 index block {number}".encode()
                    key = hmac.new(bytes.fromhex(ref["key"]), label, "sha256").hexdigest()
                    block |= {"pack": ref["pack"], "offset": offset, "key": key}
                    offset += block["length"]
                number += 1
                column["blocks"].append(block)
        check(lines[-1] == f"end {len(self.tables)}", "the index does not end")

    def plain(self, block):
        return self.store.segment(self.chain, block, "index")

    def holding(self, table, column, key):
        """The places of segments that have the key."""
        blocks, hashed, places = column["blocks"], column["hashed"], table["places"]
        found = set()
        if hashed:
            value = half_siphash(self.hash_key, key) >> (32 - column["bits"])
            number = value >> (column["bits"] - int(math.log2(hashed)))
            found |= hashed_in(self.plain(blocks[number]), blocks[number]["entries"], column, number, value, len(places))
        if re.fullmatch(rb"0|-?[1-9][0-9]{0,14}", key):
            for block in blocks[hashed:]:
                found |= runs_in(self.plain(block), block["entries"], int(key))
        return {places[number] for number in found}


def look_up(indexes, segments, question):
    """The segments of a stream, by their number, that may have the key."""
    known, holding = set(), set()
    for index in indexes:
        table = index.tables.get(question["table"])
        columns = [one for one in table["columns"] if one["match"].get("columns") == question["columns"]] if table else []
        if columns:
            own = index.holding(table, columns[0], question["key"].encode())
            known |= set(table["places"]) - own
    return [at for at, ref in enumerate(segments) if (ref["pack"], ref["offset"]) not in known]


def hashed_in(plain, entries, column, number, wanted, segments):
    bits = "".join(f"{byte:08b}" for byte in plain)
    width = 2 ** column["bits"] // column["hashed"]
    remainder = max(0, math.floor(math.log2(width / entries))) if entries else 0
    segment_bits = math.ceil(math.log2(segments)) if segments else 0
    at, value, found = 0, number * width, set()
    for _ in range(entries):
        ones = bits.index("0", at) - at
        at += ones + 1
        value += (ones << remainder) + int(bits[at : at + remainder] or "0", 2)
        at += remainder
        segment = int(bits[at : at + segment_bits] or "0", 2)
        at += segment_bits
        if value == wanted:
            found.add(segment)
    return found


def runs_in(plain, entries, wanted):
    numbers = []
    rest = factor = 0
    for byte in plain:
        rest |= (byte & 127) << factor
        factor += 7
        if byte < 128:
            numbers.append(rest)
            rest = factor = 0
    numbers = iter(numbers)
    segment = last = 0
    found = set()
    for _ in range(entries):
        segment += next(numbers)
        for _ in range(next(numbers)):
            step = next(numbers)
            first = last + (step // 2 if step % 2 == 0 else -(step + 1) // 2)
            last = first + next(numbers)
            if first <= wanted <= last:
                found.add(segment)
    return found


def half_siphash(key, message):
    """HalfSipHash-1-3 with 32 bits, as its authors define it."""
    rotate = lambda value, by: ((value << by) | (value >> (32 - by))) & 0xFFFFFFFF
    k0, k1 = int.from_bytes(key[:4], "little"), int.from_bytes(key[4:], "little")
    v = [k0, k1, 0x6C796765 ^ k0, 0x74656462 ^ k1]

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & 0xFFFFFFFF
            v[1] = rotate(v[1], 5) ^ v[0]
            v[0] = rotate(v[0], 16)
            v[2] = (v[2] + v[3]) & 0xFFFFFFFF
            v[3] = rotate(v[3], 8) ^ v[2]
            v[0] = (v[0] + v[3]) & 0xFFFFFFFF
            v[3] = rotate(v[3], 7) ^ v[0]
            v[2] = (v[2] + v[1]) & 0xFFFFFFFF
            v[1] = rotate(v[1], 13) ^ v[2]
            v[2] = rotate(v[2], 16)

    whole = len(message) - len(message) % 4
    words = [message[at : at + 4] for at in range(0, whole, 4)]
    words.append(message[whole:].ljust(3, b"\0") + bytes([len(message) & 255]))
    for word in words:
        number = int.from_bytes(word, "little")
        v[3] ^= number
        rounds(1)
        v[0] ^= number
    v[2] ^= 0xFF
    rounds(3)
    return v[1] ^ v[3]


def gpg(*args, given=None):
    command = ["gpg", "--batch", "--no-tty", "--quiet", "--yes", "--trust-model", "always", "--ignore-time-conflict"]
    done = subprocess.run([*command, *args], input=given, stdin=None if given else subprocess.DEVNULL, capture_output=True)
    check(done.returncode == 0, f"gpg {args[-1]}: {done.stderr.decode(errors='replace').splitlines()[-1:]}")
    return done.stdout


def signer_of(status):
    """The fingerprint of the primary key, when there is exactly one signature and it is good."""
    signers = re.findall(r"^\[GNUPG:\] VALIDSIG .* ([0-9A-F]+)$", status, re.M)
    bad = re.search(r"^\[GNUPG:\] (BADSIG|ERRSIG|EXPSIG|REVKEYSIG)", status, re.M)
    return signers[0].lower() if len(signers) == 1 and not bad else None


if __name__ == "__main__":
    store_root, set_of, id_of, *signers = sys.argv[1:]
    json.dump(main(store_root, set_of, id_of, signers, json.load(sys.stdin)), sys.stdout)
