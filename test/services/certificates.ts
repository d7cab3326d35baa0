/** Certificates for servers on loopback, from an authority that is made for them and that nobody else trusts. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { locateOrThrow } from './packages.ts';
import { runTool } from './processes.ts';

/** Paths of PEM files. */
export interface Certificate {
  /** The authority: what a client must be told to trust. */
  readonly caFile: string;
  /** For `localhost` and 127.0.0.1, signed by the authority. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

const DAYS = ['-days', '2'];
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes an authority and a certificate in an existing, empty folder: about 50 ms. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const file = (name: string) => join(folder, name);
  const made = { caFile: file('ca.pem'), certificateFile: file('server.pem'), keyFile: file('server.key') };
  const extensions = file('extensions');
  await writeFile(extensions, 'subjectAltName = DNS:localhost, IP:127.0.0.1\n');
  const caKey = file('ca.key');
  const authority = ['-subj', '/CN=authority of a holdfast test', '-keyout', caKey, '-out', made.caFile];
  await openssl(['req', '-x509', ...NEW_KEY, ...DAYS, ...authority]);
  const request = file('request');
  await openssl(['req', ...NEW_KEY, '-subj', '/CN=localhost', '-keyout', made.keyFile, '-out', request]);
  const signer = ['-CA', made.caFile, '-CAkey', caKey, '-CAcreateserial', '-extfile', extensions];
  await openssl(['x509', '-req', ...DAYS, '-in', request, ...signer, '-out', made.certificateFile]);
  return made;
}

async function openssl(args: readonly string[]): Promise<void> {
  await runTool(locateOrThrow('openssl'), args);
}
