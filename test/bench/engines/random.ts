/** Numbers and words that look random and are the same every time. */

const WORDS =
  `the and it is to a of for in was this with very but not as on my we have you are so at be that they from good well quality
  after bought ordered one arrived would great day price size colour again recommend box delivery product material works easy
  small large light heavy because before kitchen garden office children present birthday winter summer battery cable handle
  screw broken returned refund support answered quickly slowly packaging cardboard plastic wooden leather cotton soft hard
  bright dark green blue red yellow black white silver golden smells looks feels sounds fits instructions manual missing parts
  complete surprised disappointed happy neighbour sister husband grandmother weekend immediately eventually although`.split(
    /\s+/,
  );
const NAMES =
  `Anna Ben Chloé David Emma Farid Grace Hugo Ines Jakub Katarína Liam Mia Noah Olivia Paul Rosa Søren Tara Vera Wei
  Ximena Yusuf Zoë Smith Garcia Müller Rossi Novák Dubois Jansen Kowalski Silva Andersson Horváth Nielsen`.split(
    /\s+/,
  );

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to just below 1 (mulberry32, a generator of 32 bits in the public domain). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to just below the limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** Some words are common and others rare. */
  words(count: number): string {
    return Array.from({ length: count }, () => WORDS[Math.floor(this.next() ** 2 * WORDS.length)]).join(' ');
  }

  name(): string {
    return NAMES[this.below(NAMES.length)] ?? '';
  }

  hex(digits: number): string {
    return Array.from({ length: Math.ceil(digits / 8) }, () =>
      this.below(2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    )
      .join('')
      .slice(0, digits);
  }
}
