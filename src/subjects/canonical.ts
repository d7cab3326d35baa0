/**
 * Canonical forms: how two ways of writing the same e-mail address, phone number or name are made equal before
 * they are compared. Every form is idempotent, and what it does not change it leaves exactly as it was.
 */
export const CANONICAL_FORMS = ['exact', 'trim', 'lower', 'digits'] as const;

/**
 * - `exact`: byte for byte.
 * - `trim`: without white space at both ends.
 * - `lower`: trimmed, Unicode NFC, lower case: e-mail addresses, user names.
 * - `digits`: ASCII digits only, leading zeros dropped: phone and customer numbers, however they are grouped.
 */
export type CanonicalForm = (typeof CANONICAL_FORMS)[number];

/** The value in this form. */
export function canonical(value: string, form: CanonicalForm): string {
  switch (form) {
    case 'exact':
      return value;
    case 'trim':
      return value.trim();
    case 'lower':
      return value.trim().normalize('NFC').toLowerCase().normalize('NFC');
    case 'digits':
      return value.replace(/[^0-9]/g, '').replace(/^0+/, '');
  }
}
