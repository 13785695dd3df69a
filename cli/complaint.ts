/** What the user of a command did wrong, in words that name the remedy: printed without a stack, and the program ends with 2. */
export class Complaint extends Error {
  override readonly name = 'Complaint';
}

/** What could not be done though it was asked for rightly: printed without a stack, and the program ends with 1. */
export class Failure extends Error {
  override readonly name = 'Failure';
}
