/**
 * A Debian package of the single executable: for hosts without Node, with manual pages, completion, units for systemd and
 * an unprivileged user. Its layout follows the Debian Policy Manual and deb(5); `dpkg-deb` builds it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bashCompletion } from '../cli/completion/bash.ts';
import { fishCompletion } from '../cli/completion/fish.ts';
import { zshCompletion } from '../cli/completion/zsh.ts';
import { VERSION } from '../version.ts';
import { ROOT } from './bundle.ts';
import { changelog, controlFile, COPYRIGHT, POSTINST, POSTRM, SYSUSERS } from './deb-texts.ts';
import { manualPages } from './man.ts';
import { wholeProgram } from './program.ts';
import { packagedUnits } from './units.ts';

/** As in dpkg-architecture(1), by what Node calls it. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** `holdfast_0.1.0_amd64.deb` */
export function debName(): string {
  return `holdfast_${VERSION}_${architecture()}.deb`;
}

/**
 * Builds it.
 *
 * @param single - the executable
 * @param file - where the package goes
 * @param released - the date in manual pages and changelog
 */
export function buildDeb(single: string, file: string, released: Date): void {
  const stage = mkdtempSync(join(tmpdir(), 'holdfast-deb-'));
  try {
    const put = (path: string, content: string | Buffer, mode = 0o644) => {
      putFile(join(stage, path), content, mode);
    };
    mkdirSync(join(stage, 'usr/bin'), { recursive: true });
    cpSync(single, join(stage, 'usr/bin/holdfast'));
    chmodSync(join(stage, 'usr/bin/holdfast'), 0o755);
    putManual(put, released);
    putCompletion(put);
    for (const { name, text } of packagedUnits()) put(`usr/lib/systemd/system/${name}`, text);
    put('usr/lib/sysusers.d/holdfast.conf', SYSUSERS);
    putDocuments(stage, put, released);
    const kib = Number(execFileSync('du', ['-sk', stage], { encoding: 'utf8' }).split('\t')[0]);
    put('DEBIAN/control', controlFile(VERSION, architecture(), kib));
    put('DEBIAN/postinst', POSTINST, 0o755);
    put('DEBIAN/postrm', POSTRM, 0o755);
    mkdirSync(dirname(file), { recursive: true });
    chmodSync(stage, 0o755);
    // What is large in it is code, which a high level makes little smaller.
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', stage, file], {
      stdio: 'pipe',
    });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

type Put = (path: string, content: string | Buffer, mode?: number) => void;

function putManual(put: Put, released: Date): void {
  for (const { file, text } of manualPages(wholeProgram(), VERSION, released))
    put(`usr/share/man/man1/${file}.gz`, zipped(text));
}

function putCompletion(put: Put): void {
  const tree = wholeProgram();
  put('usr/share/bash-completion/completions/holdfast', bashCompletion(tree));
  put('usr/share/zsh/vendor-completions/_holdfast', zshCompletion(tree));
  put('usr/share/fish/vendor_completions.d/holdfast.fish', fishCompletion(tree));
}

function putDocuments(stage: string, put: Put, released: Date): void {
  const folder = 'usr/share/doc/holdfast';
  put(`${folder}/copyright`, COPYRIGHT);
  put(`${folder}/changelog.gz`, zipped(changelog(VERSION, released)));
  for (const name of ['README.md', 'CHANGELOG.md', 'docs', 'recipes'])
    cpSync(join(ROOT, name), join(stage, folder, name), { recursive: true });
}

/** As `gzip -n`: no name and no time, so that equal texts are equal files. */
function zipped(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}

function putFile(path: string, content: string | Buffer, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

function architecture(): string {
  const name = ARCHITECTURES[process.arch];
  if (name === undefined) throw new Error(`no Debian package is built on ${process.arch}`);
  return name;
}
