/** Reads the purged vectors as `restore` does: with whom the ledger has erased left out. */
import { KeyOpener } from '../../src/openpgp/message.ts';
import { verifyStatement } from '../../src/openpgp/statement.ts';
import { currentOf } from '../../src/repository/catalog.ts';
import { pendingFor, purgesOf } from '../../src/repository/purges.ts';
import { openSession } from '../../src/repository/session.ts';
import type { Session } from '../../src/repository/session.ts';
import { mustBeApplicable, openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { script } from '../../src/restore/script.ts';
import { selectSnapshot } from '../../src/restore/select.ts';
import { checkLedgerCovers } from '../../src/repository/ledger.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { IndexObject } from '../../src/subject-index/open.ts';
import { rangesOf } from '../../src/purge/locate/hints.ts';
import { listSuppression } from '../../src/suppression/objects.ts';
import { readSuppressions } from '../../src/suppression/read.ts';
import { parseTokens } from '../../src/suppression/tokens.ts';
import { withoutPurged } from '../../src/suppression/without.ts';
import { whatMayHold } from '../property/index-look-up.ts';
import { NOW, SIGNAL, withClock } from './kit.ts';
import type { Keys, PurgedSnapshot, PurgedVectors } from './kit.ts';

const SET = 'shop';

/** A reader that has never been here; its configuration names the recipient and the purge signer. */
export async function purgedReader(root: string, keys: Keys, stateDir: string): Promise<PurgedReader> {
  const store = withClock(openFileStore(`file://${root}`), () => NOW);
  const trusted = {
    recipients: [keys.ops.toPublic()],
    signers: [],
    purgeSigners: [keys.officer.toPublic()],
  };
  const session = await openSession({ store, stateDir, ...trusted }, SIGNAL);
  return new PurgedReader(session, new KeyOpener([keys.ops]));
}

type Facts = Pick<PurgedSnapshot, 'revision' | 'pending' | 'leftOut'>;

export class PurgedReader {
  readonly #session: Session;
  readonly #opener: KeyOpener;

  constructor(session: Session, opener: KeyOpener) {
    this.#session = session;
    this.#opener = opener;
  }

  async read(snapshot: string): Promise<Facts & { readonly sql: string }> {
    const session = this.#session;
    const { view, item, manifest } = await this.#open(snapshot);
    checkLedgerCovers(SET, view.ledger, currentOf(item).binding.ledger_seen);
    await using pool = SegmentPool.forReading();
    const source = new SnapshotReader(session.store, manifest, pool);
    const without = await withoutPurged(
      {
        ...{ session, set: SET, item, manifest, source, pool, opener: this.#opener },
        ...{ ledger: view.ledger, now: view.now, allowed: [], ledgerIsLost: false },
      },
      SIGNAL,
    );
    const pieces = await Array.fromAsync(script(without.reader, { globals: false }, SIGNAL));
    const { revision, binding } = currentOf(item);
    const state = { snapshot, revision, ledgerSeen: binding.ledger_seen };
    const pending = pendingFor(purgesOf(view.ledger, session.operators), state).map(({ id }) => id);
    return { revision, pending, leftOut: without.rows, sql: Buffer.concat(pieces).toString() };
  }

  /** Which segments of a table may hold a key, by what the snapshot's indexes say. */
  async indexed(snapshot: string, table: string, columns: readonly string[], key: string): Promise<number[]> {
    const { manifest } = await this.#open(snapshot);
    const { store } = this.#session;
    const stream = manifest.streams.find((one) => one.table?.name === table);
    if (!stream) throw new Error(`${snapshot} has no ${table}`);
    await using pool = SegmentPool.forReading();
    const reader = new SnapshotReader(store, manifest, pool);
    const segments = await Array.fromAsync(reader.segments(stream, SIGNAL));
    let held = segments.map((_, at) => at);
    for (const ref of manifest.indexes ?? []) {
      const read = rangesOf(store, manifest.binding, ref.pack, SIGNAL);
      const object = await IndexObject.open(ref, read, ref.pack);
      const known = object.directory.tables.find((one) => one.table === table)?.columns;
      const match = known?.map((one) => one.match).find((one) => isOf(one, columns));
      if (!match) continue;
      const query = { kind: 'columns', columns, comparisons: match.comparisons, when: new Map() } as const;
      const look = await whatMayHold(object, table, [{ match: query, keys: new Set([key]) }]);
      held = held.filter((at) => {
        const segment = segments[at];
        return segment !== undefined && look(segment);
      });
    }
    return held;
  }

  /** What the two objects of a purge say. */
  async suppression(purge: string): Promise<PurgedVectors['suppression']> {
    const { store, id, operators } = this.#session;
    const { view } = await this.#view();
    const listed = await listSuppression(store, SET, SIGNAL);
    const wanted = purgesOf(view.ledger, operators).filter((one) => one.id === purge);
    const options = { opener: this.#opener, now: view.now, listed };
    const [found] = await readSuppressions(this.#session, SET, wanted, options, SIGNAL);
    const object = listed.find((one) => one.purge === purge && one.kind === 'tokens');
    if (!found || !object) throw new Error('there is no suppression');
    const { value } = await verifyStatement(
      await store.get(object.key, undefined, SIGNAL),
      operators,
      object.key,
    );
    const { tokens } = parseTokens(value, { store: id, set: SET, purge }, object.key);
    return { subjects: found.subjects.map(({ by, known }) => ({ by, known: [...known] })), tokens };
  }

  async #view() {
    const view = await viewSet(this.#session, SET, false, SIGNAL);
    mustBeApplicable(view);
    return { view };
  }

  async #open(snapshot: string) {
    const { view } = await this.#view();
    const failure = view.catalog.failures.find(({ key }) => key.includes(snapshot));
    if (failure) throw failure.error;
    const item = selectSnapshot(view.catalog.entries, { set: SET, when: snapshot }, view.now);
    return { view, item, manifest: await openManifest(this.#session, item, this.#opener, SIGNAL) };
  }
}

function isOf(match: object, columns: readonly string[]): boolean {
  return 'columns' in match && JSON.stringify(match.columns) === JSON.stringify(columns);
}
