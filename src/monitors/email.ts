/** A message by mail, through a server that is named by a URL: `smtps://user:password@mail.example.com`. */
import { monitorFailed, transportReason } from './errors.ts';
import { trusting } from './http.ts';
import type { Monitor, RunReport } from './monitor.ts';
import { details, headline } from './words.ts';

export interface EmailOptions {
  /** `smtps:` is TLS from the start; `smtp:` asks for STARTTLS where a password or a stranger is involved. */
  readonly url: URL;
  readonly from: string;
  readonly to: readonly string[];
  readonly timeoutMs: number;
  /** PEM file with authorities beside those of the system. */
  readonly caFile?: string;
}

export function emailMonitor(options: EmailOptions): Monitor {
  const { url, from, to, timeoutMs } = options;
  const name = `email through ${url.host}`;
  return {
    name,
    tell: async (report, signal) => {
      const { createTransport } = await import('nodemailer');
      const transport = createTransport(await settingsOf(options));
      const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        // The library's own limits are of silence; a server that trickles would outlive them.
        await Promise.race([transport.sendMail(messageOf(report, from, to)), whenAborted(stop)]);
      } catch (error) {
        signal.throwIfAborted();
        const late = stop.aborted
          ? `it did not take it within ${Math.round(timeoutMs / 100) / 10} s`
          : undefined;
        throw monitorFailed(name, late ?? smtpReason(error), error);
      } finally {
        transport.close();
      }
    },
  };
}

async function settingsOf({ url, timeoutMs, caFile }: EmailOptions) {
  const user = decodeURIComponent(url.username);
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const isSecure = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSecure ? 465 : 25) : Number(url.port),
    secure: isSecure,
    // A mail server on this machine mostly has a certificate of nobody's; a password never goes in the clear elsewhere.
    ignoreTLS: !isSecure && isHere,
    requireTLS: !isSecure && !isHere && user !== '',
    ...(user !== '' && { auth: { user, pass: decodeURIComponent(url.password) } }),
    tls: await trusting(caFile),
    // Ours ends it, and says so; the library's come later, or two clocks would race for the word.
    connectionTimeout: 2 * timeoutMs,
    greetingTimeout: 2 * timeoutMs,
    socketTimeout: 2 * timeoutMs,
    // The report is text; nothing of it may name a file or an address to be fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function messageOf(report: RunReport, from: string, to: readonly string[]) {
  return {
    from,
    to: [...to],
    subject: `[holdfast] ${headline(report)}`,
    text: [headline(report), '', ...details(report), '', report.tool].join('\n'),
    // RFC 3834: nobody's absence note answers a program.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    date: report.time,
  };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

/** What the server answered, without what it was asked: a refused login repeats the name. */
function smtpReason(error: unknown): string {
  const { responseCode, code } = Object(error) as { responseCode?: number; code?: string };
  if (responseCode !== undefined)
    return `it answered ${responseCode}${code === 'EAUTH' ? ' to the login' : ''}`;
  return transportReason(error);
}
