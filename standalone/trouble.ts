/** What a failure says. */
export const messageOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

/** The same without what stands beneath: a stack, or a picture of where it is. */
export const firstLineOf = (reason: unknown): string => messageOf(reason).split('\n')[0] ?? '';

/** Why it cannot be done; undefined when it can. */
export function troubleOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (reason) {
    return messageOf(reason);
  }
}
