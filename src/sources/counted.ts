/** Passes pieces on, and says of each how long it was once it was taken. */
export async function* counted(
  pieces: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    yield piece;
    onBytes(piece.length);
  }
}
