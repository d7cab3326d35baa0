/**
 * The page for the wall: who holds which key, what to type in five disasters, and how it goes without this program. Commands
 * are those of this configuration; what only people know is a line to fill in by hand.
 */
import { shellWord } from '../shell-word.ts';
import { fetchOf, keyFilesOf, loadOf, rescueConfig, targetOf } from './commands.ts';
import type { KeyFacts, RunbookFacts, SetFacts } from './facts.ts';

/** A space for handwriting. */
const BLANK = '\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_';

/** The runbook as Markdown (CommonMark, with tables). */
export function runbookMarkdown(facts: RunbookFacts): string {
  return [
    head(facts),
    people(facts),
    places(facts),
    hostLost(facts),
    bucketLost(facts),
    keyHolderGone(facts),
    ransomware(facts),
    badDeploy(facts),
    withoutHoldfast(facts),
    afterwards(facts),
  ].join('\n');
}

function head({ printed, version, configFile, promises }: RunbookFacts): string {
  const day = printed.toISOString().slice(0, 10);
  return `# Runbook: getting the data back

Printed ${day} by holdfast ${version} from \`${configFile}\`. It holds no secret. Print it again when the configuration changes, and
keep it where it can be read while everything is down.

**First: nothing here overwrites anything. Every restore goes into a new place; what is there stays.**
${promises.length === 0 ? '' : `\nPromised to customers: ${promises.join('; ')}.\n`}`;
}

function people({ keys }: RunbookFacts): string {
  const recipients = keys.filter(({ role }) => role === 'recipient');
  const warning =
    recipients.length < 2
      ? '\n**Only one key opens these backups. If it is lost, all of them are: add a second one today** (`holdfast keys add FILE`, then `holdfast keys rotate`).\n'
      : '';
  return `## Who holds which key

Backups open with the private key of **one** recipient, and its passphrase. The host that makes them has none of these.
${warning}
| key | fingerprint | ends | held by, where, telephone |
| --- | --- | --- | --- |
${recipients.map(keyRow).join('\n')}

These sign, and open nothing:

| key | fingerprint | ends | held by, where, telephone |
| --- | --- | --- | --- |
${keys
  .filter(({ role }) => role !== 'recipient')
  .map(keyRow)
  .join('\n')}
`;
}

const ROLES: Readonly<Record<KeyFacts['role'], string>> = {
  recipient: 'opens backups',
  former: 'opened backups before',
  signing: 'of the backup host',
  trusted: 'of another host',
  purge: 'signs erasures',
};

function keyRow({ role, fingerprint, userId, expires, file }: KeyFacts): string {
  const name = userId === '' ? file : userId;
  const shown = fingerprint === '' ? 'cannot be read' : grouped(fingerprint);
  return `| ${cell(name)} (${ROLES[role]}) | ${shown} | ${expires?.slice(0, 10) ?? 'never'} | ${BLANK} |`;
}

/** As people compare them: in fours. */
function grouped(fingerprint: string): string {
  return fingerprint.toUpperCase().replaceAll(/.{4}(?=.)/g, '$& ');
}

function places({ store, sets }: RunbookFacts): string {
  const rows = sets.map(({ name, source, keep, copies, lock, path }) => {
    const what = path === undefined ? source : `${source}, \`${cell(path)}\``;
    const others = copies.map((copy) => `${copy.name}: \`${cell(copy.url)}\``).join(', ');
    return `| **${name}** | ${what} | ${keep} | ${others === '' ? 'no copy' : others} | ${lock ?? 'no'} |`;
  });
  return `## What there is

Everything lies in \`${store.url}\`. Credentials for it: ${BLANK}

| set | of | kept | copies | locked |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function hostLost({ store, sets, keys }: RunbookFacts): string {
  const files = keyFilesOf(keys);
  return `## 1. The host is lost

You need a machine with holdfast, credentials for the store, and one private key (\`the.key\` below).

${shell(`mkdir rescue && cd rescue
cp /media/usb/ops.key the.key
cat > holdfast.yaml <<'END'
${rescueConfig(store, sets, files)}
END
${files.map(({ name, text }) => `cat > ${name} <<'END'\n${text.trim()}\nEND\n`).join('')}holdfast snapshots`)}
${files.length === 0 ? '' : '\nThe public keys of all who sign are in it, whoever opens: **keep this page as a file beside each private key**.\n'}
Then, for what is needed first:

${shell(sets.map((set) => restore(set)).join('\n'))}

\`--dry-run\` behind a line shows how long it takes and what the target lacks. Afterwards install the new host
(\`holdfast init\` with the same store and recipients), and let a recipient \`holdfast keys trust\` its key.
`;
}

function restore(set: SetFacts, when = '', more = ''): string {
  return `holdfast restore ${set.name}${when} --to ${shellWord(targetOf(set))} --key the.key${more}`;
}

function bucketLost({ sets }: RunbookFacts): string {
  const copied = sets.filter(({ copies }) => copies.length > 0);
  const bare = sets.filter(({ copies }) => copies.length === 0).map(({ name }) => name);
  const fromCopies = copied.flatMap((set) =>
    set.copies.map((copy) => restore(set, '', ` --copy ${shellWord(copy.name)}`)),
  );
  return `## 2. The bucket is lost

The databases are still there: **make a new store now**, and a full backup into it.

${shell(`holdfast init --store NEW-STORE   # in a new folder, with the same recipients
holdfast backup --full`)}
${fromCopies.length === 0 ? '' : `\nOlder states are in the copies:\n\n${shell(fromCopies.join('\n'))}\n`}${
    bare.length === 0
      ? ''
      : `\n**No copy exists of ${bare.join(', ')}**: what was in the bucket is gone. In a bucket with versions, deleted objects may come back.\n`
  }`;
}

function keyHolderGone({ keys }: RunbookFacts): string {
  const recipients = keys.filter(({ role }) => role === 'recipient');
  const others = recipients.length > 1 ? recipients.map(({ userId, file }) => userId || file).join(', ') : '';
  return `## 3. Somebody with a key is gone, or a key was stolen

${others === '' ? 'There is one recipient only: with that key lost, **no backup can be read any more**. If the databases are still there, make new keys and a new store today.' : `Any other recipient opens everything: ${cell(others)}.`}

${shell(`holdfast keys add new-person.asc            # on every machine of this store
holdfast keys remove keys/gone.asc          # the same
holdfast keys rotate --key the.key          # seals what exists to those who are left
holdfast keys check --key the.key`)}

Whoever had the key **and** a copy of the old store can still read that copy. A stolen key: change the store's credentials, too.
`;
}

function ransomware({ sets }: RunbookFacts): string {
  const locked = sets.filter(({ lock }) => lock !== undefined).map(({ name }) => name);
  return `## 4. Ransomware, or an intruder

1. Take the backup host off the network; **take its credentials for the store away**. Who to call: ${BLANK}
2. Work on a clean machine, as in 1. Do not use the old host's folder or state.
3. See what is sound, and since when:

${shell(`holdfast verify --read-data --key the.key
holdfast snapshots`)}

4. Restore the last state before the intrusion, not the newest:

${shell(sets.map((set) => restore(set, '@YYYY-MM-DD')).join('\n'))}

${
  locked.length === 0
    ? 'Nothing here is locked: deleted objects come back only from a bucket with versions, or from a copy.'
    : `Packs of ${locked.join(', ')} are locked until their end: nobody could delete them. Manifests that were removed come back from the versions of the bucket.`
}
What the intruder's host signed after it was taken over proves nothing: compare with the application.
`;
}

function badDeploy({ sets }: RunbookFacts): string {
  const [first] = sets;
  const example = first && restore(first, '@YYYY-MM-DDTHH:MM:SSZ');
  return `## 5. A bad deploy, or somebody ran the wrong command

Stop what writes. **Back up what is there now**, then bring the state of before beside it, and compare.

${shell(['holdfast backup', ...(example === undefined ? [] : [example])].join('\n'))}

A time means the last snapshot before it. One table is enough: \`--table NAME\`; of files: \`--path PATH\`. Then copy the lost
rows over by hand, or let the application use the new one.
`;
}

function withoutHoldfast({ store, sets, keys }: RunbookFacts): string {
  const others = keyFilesOf(keys).length === 0 ? '' : '\ngpg --import *.asc   # the public keys of 1';
  return `## Without holdfast

gpg, zstd and a shell are enough; \`RECOVERY.md\` in the store says more.

${shell(`${fetchOf(store)}
gpg --import /media/usb/ops.key${others}
cd store && gpg --verify recover.sh.asc recover.sh
${sets.map(({ name }) => `sh recover.sh ${name} > ${name}.sql && echo complete`).join('\n')}
${sets.map(loadOf).join('\n')}`)}
`;
}

function afterwards({ sets }: RunbookFacts): string {
  return `## Before it happens

${shell(`holdfast status
${sets.map(({ name }) => `holdfast drill ${name} --key the.key`).join('\n')}`)}

Last drill: ${BLANK} by ${BLANK}
`;
}

function shell(commands: string): string {
  return `\`\`\`sh\n${commands}\n\`\`\``;
}

/** Text in a table: nothing in it may end the cell, or begin markup. */
function cell(text: string): string {
  return text.replaceAll(/[\\|`*_<>[\]]/g, '\\$&').replaceAll(/\s+/g, ' ');
}
