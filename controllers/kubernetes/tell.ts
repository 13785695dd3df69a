/** Calls somebody else's callback: what it throws must not stop us, and must not vanish either. */
export function tell(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : new Error(String(error)));
  }
}
