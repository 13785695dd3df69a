import { wait } from '../plan.js';

/** Whoever puts a file back is not told of by the host, and need not wait long. */
export const lookAgainMs = 30_000;

export const lookedForAgain = wait('Looking', 'the host looks at its store again, from time to time', lookAgainMs + 1);
