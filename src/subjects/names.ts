/** What one subject may be called: the word before the = in `--subject customer=42`. */
export const SUBJECT_NAME = /^[a-z][a-z0-9_-]{0,30}$/;
export const SUBJECT_NAME_RULE = 'must be a word of small letters, digits, - and _, such as customer';
