/** Words as they stand in names of tables. */

/** `users` → `user`, `companies` → `company`, `people` → `person`; anything else as it is. */
export function singular(word: string): string {
  if (/people$/i.test(word)) return word.replace(/people$/i, 'person');
  if (/[^aeiou]ies$/i.test(word)) return word.replace(/ies$/i, 'y');
  if (/(ss|us|is)$/i.test(word)) return word;
  if (/(ses|xes|ches|shes)$/i.test(word)) return word.slice(0, -2);
  return word.replace(/s$/i, '');
}

/** `order_item` → `OrderItem`: how frameworks name a class after a table. */
export function className(word: string): string {
  return word.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
