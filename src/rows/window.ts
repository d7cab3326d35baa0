/** A window on a stream of bytes: what a lexer has to keep, in one piece, with its line number. */

const LF = 0x0a;

export class ByteWindow {
  /** Only `bytes[keep..length)` is meaningful. What was handed out as a view is never written again. */
  bytes: Buffer = Buffer.alloc(0);
  length = 0;
  /** Everything before is no longer needed. */
  keep = 0;
  /** Where the scanner stands. */
  position = 0;

  #owned = false;
  #line = 1;
  #counted = 0;

  /** Bytes that are kept at present. */
  get size(): number {
    return this.length - this.keep;
  }

  /** Appends a piece. `keep` and `position` move with their bytes; any other position is void afterwards. */
  push(piece: Uint8Array): void {
    if (this.size === 0) this.#adopt(piece);
    else if (this.#owned && this.length + piece.length <= this.bytes.length) this.#append(piece);
    else this.#grow(piece);
  }

  /** Forgets everything before `position`. */
  dropTo(position: number): void {
    this.keep = position;
    this.position = Math.max(this.position, position);
  }

  /** The line, counted from 1, on which the byte at `position` stands. Positions must not decrease. */
  lineAt(position: number): number {
    if (position <= this.#counted) return this.#line;
    const passed = this.bytes.subarray(this.#counted, position);
    for (let at = passed.indexOf(LF); at !== -1; at = passed.indexOf(LF, at + 1)) this.#line += 1;
    this.#counted = position;
    return this.#line;
  }

  #adopt(piece: Uint8Array): void {
    this.lineAt(this.keep);
    this.bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    this.length = piece.length;
    this.#owned = false;
    this.position -= this.keep;
    this.#counted -= this.keep;
    this.keep = 0;
  }

  #append(piece: Uint8Array): void {
    this.bytes.set(piece, this.length);
    this.length += piece.length;
  }

  #grow(piece: Uint8Array): void {
    this.lineAt(this.keep);
    const size = this.size;
    const grown = Buffer.allocUnsafeSlow(2 * (size + piece.length));
    this.bytes.copy(grown, 0, this.keep, this.length);
    grown.set(piece, size);
    this.length = size + piece.length;
    this.bytes = grown;
    this.#owned = true;
    this.position -= this.keep;
    this.#counted -= this.keep;
    this.keep = 0;
  }
}
