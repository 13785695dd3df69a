/** What the user of a command did wrong, in words that name the remedy: printed without a stack. */
export class Complaint extends Error {
  override readonly name = 'Complaint';
}
