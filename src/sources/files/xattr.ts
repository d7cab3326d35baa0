/**
 * Extended attributes, and access lists, which are such attributes too. Node cannot read or set them; getfattr and
 * setfattr of the package `attr` can, and their text (`getfattr -d -e hex`) is what passes between them and us:
 * `# file: PATH`, lines `NAME=0xHEX`, an empty line. In paths and names `\ooo` is a byte in octal.
 */
import { spawn } from 'node:child_process';
import { throwIfCancelled } from '../../errors.ts';
import { findIn, foldersOf } from '../../on-path.ts';
import { attributesFailed } from './errors.ts';
import { fromBytes, fromText, ROOT, toBytes, type ByteName } from '../../rows/files/names.ts';
import type { Attributes } from '../../rows/files/tar-header.ts';

/** What is kept: users' own, access lists, and capabilities of programs; security labels are of the machine. */
const KEPT = String.raw`^(user\.|system\.posix_acl_(access|default)$|security\.capability$)`;
const KEPT_FORM = new RegExp(KEPT);

/** The path of `getfattr` or `setfattr`; undefined where it is not installed. */
export function findTool(name: 'getfattr' | 'setfattr'): Promise<string | undefined> {
  const folders = foldersOf(process.env['PATH']).filter((folder) => folder.startsWith('/'));
  return findIn([...folders, '/usr/bin', '/bin'], name);
}

/**
 * All attributes below a folder, by path. Few files have any, so they are held in memory.
 * @param tool - the path of getfattr
 * @throws HoldfastError FILES_ATTRIBUTES
 */
export async function readAttributes(
  tool: string,
  root: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<ByteName, Attributes>> {
  const args = ['-R', '-P', '-h', '-d', '-m', KEPT, '-e', 'hex', '--absolute-names', '--', root];
  const found = new Map<ByteName, Attributes>();
  const reader = new DumpReader(fromText(root), found);
  const { code, said } = await runTool(tool, args, undefined, (text) => reader.push(text), signal);
  reader.end();
  // What is removed while it walks was not there, and makes it exit 1 all the same.
  const lines = said.split('\n').filter((line) => line !== '' && !/: No such file or directory$/.test(line));
  if (code !== 0 && (code !== 1 || lines.length > 0))
    throw attributesFailed('read', lines.at(-1) ?? `exit code ${code}`);
  return found;
}

class DumpReader {
  readonly #root: ByteName;
  readonly #found: Map<ByteName, Attributes>;
  #rest = '';
  #current: Map<string, ByteName> | undefined;

  constructor(root: ByteName, found: Map<ByteName, Attributes>) {
    this.#root = root === '/' ? '' : root;
    this.#found = found;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  end(): void {
    if (this.#rest !== '') throw attributesFailed('read', 'what getfattr says is cut off');
  }

  #line(line: string): void {
    if (line === '') return;
    if (line.startsWith('# file: ')) {
      this.#current = new Map();
      this.#found.set(this.#relative(unquote(line.slice(8))), this.#current);
      return;
    }
    const [, name = '', value = ''] = /^([^=]+)(?:=(?:0x((?:[0-9a-f]{2})*)|""))?$/.exec(line) ?? [];
    if (name === '' || !this.#current) throw attributesFailed('read', 'getfattr says what nobody expects');
    const key = unquote(name);
    // A pax record cannot have a name with these, and nobody has such names.
    if (!/[=\n\0]/.test(key)) this.#current.set(key, Buffer.from(value, 'hex').toString('latin1'));
  }

  #relative(path: ByteName): ByteName {
    if (path === this.#root || path === `${this.#root}/`) return ROOT;
    if (!path.startsWith(`${this.#root}/`))
      throw attributesFailed('read', 'getfattr names what it was not asked for');
    return path.slice(this.#root.length + 1);
  }
}

function unquote(text: string): ByteName {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function quote(name: ByteName): string {
  return name.replaceAll(/[\\\n\r=]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** Which attributes may be set: without a change of owners, access lists would name whoever has those numbers here. */
export type AttributeRight = 'all' | 'own';

/** The text from which `setAttributes` sets the attributes of one entry; empty when there are none to set. */
export function formatAttributes(path: ByteName, attributes: Attributes, right: AttributeRight): ByteName {
  const wanted = [...attributes].filter(
    ([name]) => KEPT_FORM.test(name) && (right === 'all' || name.startsWith('user.')),
  );
  if (wanted.length === 0) return '';
  const lines = wanted.map(([name, value]) => `${quote(name)}=0x${toBytes(value).toString('hex')}\n`);
  return `# file: ./${quote(path)}\n${lines.join('')}\n`;
}

/**
 * Sets attributes below a folder that only this user can enter.
 * @param tool - the path of setfattr
 * @param text - of `formatAttributes`
 * @returns what could not be set, in the tool's words; undefined when all was
 */
export async function setAttributesBelow(
  tool: string,
  root: string,
  text: ByteName,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { code, said } = await runTool(
    tool,
    ['-h', '--restore=-'],
    { cwd: root, input: text },
    () => undefined,
    signal,
  );
  return code === 0 ? undefined : said.trim().split('\n').slice(-3).join('; ') || `exit code ${code}`;
}

interface ToolInput {
  readonly cwd: string;
  readonly input: ByteName;
}

async function runTool(
  file: string,
  args: readonly string[],
  given: ToolInput | undefined,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<{ readonly code: number | string; readonly said: string }> {
  throwIfCancelled(signal);
  const env = { LC_ALL: 'C' };
  const child = spawn(file, args, { env, signal, ...(given && { cwd: given.cwd }), stdio: 'pipe' });
  let said = '';
  let failure: unknown;
  child.stdout.on('data', (piece: Buffer) => {
    try {
      onText(fromBytes(piece));
    } catch (error) {
      failure ??= error;
    }
  });
  child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-65_536)));
  // Whoever exits early breaks this pipe; its exit code tells why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(Buffer.from(given?.input ?? '', 'latin1'));
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, killed) => resolve(status ?? killed ?? 'unknown'));
  }).catch((error: unknown) => {
    throwIfCancelled(signal);
    throw attributesFailed('handled', error instanceof Error ? error.message : String(error));
  });
  if (failure !== undefined) throw failure as Error;
  return { code, said };
}
