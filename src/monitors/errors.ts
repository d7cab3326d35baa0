/** What goes wrong when somebody is told. It never fails a run: `tellAll` makes remarks of these. */
import { HoldfastError, reasonOf } from '../errors.ts';

/** @param reason - a clause without the address, which may be a secret: `it answered 500` */
export function monitorFailed(name: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: 'MONITOR_FAILED',
    exit: 'failed',
    message: `${name}: ${reason}`,
    hint: 'Look at monitors: in the configuration; holdfast doctor tries what can be tried.',
    cause,
  });
}

/** @param answer - the status of an HTTP response */
export function monitorAnswered(name: string, answer: number): HoldfastError {
  const reason = `it answered ${answer}`;
  // Who follows it tells a stranger what was meant for somebody else.
  return monitorFailed(
    name,
    answer >= 300 && answer < 400 ? `${reason}, and redirects are not followed` : reason,
  );
}

/** What a failed connection says, in a few words. */
export function transportReason(error: unknown): string {
  const said = reasonOf(error);
  const { code } = Object(error) as NodeJS.ErrnoException;
  // A library may have put a code of its own in the place of that of the system.
  const known = [code, ...(said.match(/\bE[A-Z_]{4,}\b/g) ?? [])].find(
    (one) => one && Object.hasOwn(REASONS, one),
  );
  if (known !== undefined) return REASONS[known] ?? said;
  if (code !== undefined && /^(CERT|ERR_TLS|ERR_SSL|DEPTH|UNABLE|SELF_SIGNED|HOSTNAME)/.test(code))
    return `its certificate is not accepted (${code}): ${said}`;
  return said || (code ?? 'it cannot be reached');
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses the connection',
  ECONNRESET: 'it broke the connection off',
  EPIPE: 'it broke the connection off',
  ENOTFOUND: 'there is no host of this name',
  EAI_AGAIN: 'the name of its host cannot be resolved now',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
};
