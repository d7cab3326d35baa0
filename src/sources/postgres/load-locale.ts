/** Encoding and locale of a database: from the facts of the dump to the clauses of CREATE DATABASE. */
import { z } from 'zod';
import { quoteLiteral } from './load-names.ts';

/** What the source recorded; a part that is missing is left to the target. */
export interface SourceLocale {
  readonly encoding?: string | undefined;
  readonly collate?: string | undefined;
  readonly ctype?: string | undefined;
  /** `libc`, `icu` or `builtin`. */
  readonly provider?: string | undefined;
  /** The name for the providers icu and builtin. */
  readonly locale?: string | undefined;
}

const text = z.string().optional().catch(undefined);
/** See PgFacts in facts.ts. A manifest is data from outside: what has another shape counts as missing. */
const FACTS = z.object({
  encoding: text,
  locale: z.object({ collate: text, ctype: text, provider: text, locale: text }).catch({}),
});

/** Reads the locale from the facts of a dump. */
export function readLocale(facts: Readonly<Record<string, unknown>>): SourceLocale {
  const { encoding, locale } = FACTS.parse(facts);
  return { encoding, ...locale };
}

/** Clauses to try one after another, each but the first with what it means. */
export function localeClauses(
  locale: SourceLocale,
): readonly { readonly sql: string; readonly note?: string }[] {
  const { encoding, collate } = locale;
  const charset = encoding === undefined ? '' : `ENCODING ${quoteLiteral(encoding)}`;
  const exact = [charset, ...localeOptions(locale)].join(' ').trim();
  if (exact === charset) return [{ sql: charset }];
  const name = locale.locale ?? collate ?? locale.ctype ?? '';
  return [
    { sql: exact },
    {
      sql: charset,
      note: `locale ${name}: the target does not have it, its own default was used; order and case may differ`,
    },
    {
      sql: `${charset} LOCALE 'C'`,
      note: `locale ${name}: the target does not have it, C was used; order and case may differ`,
    },
  ];
}

function localeOptions({ collate, ctype, provider, locale }: SourceLocale): readonly string[] {
  const options: string[] = [];
  if (provider !== undefined && provider !== 'libc')
    options.push(`LOCALE_PROVIDER ${quoteLiteral(provider)}`);
  if (provider === 'icu' && locale !== undefined) options.push(`ICU_LOCALE ${quoteLiteral(locale)}`);
  if (provider === 'builtin' && locale !== undefined) options.push(`BUILTIN_LOCALE ${quoteLiteral(locale)}`);
  if (collate !== undefined) options.push(`LC_COLLATE ${quoteLiteral(collate)}`);
  if (ctype !== undefined) options.push(`LC_CTYPE ${quoteLiteral(ctype)}`);
  return options;
}
