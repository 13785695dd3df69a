/** What methods return. Of the two families that Hyper-V has, `cim` is of what defines and changes machines and switches; all else has the other. */
export const codes = {
  done: 0,
  job: 4096,
  cim: { failed: 2, invalidParameter: 4, invalidState: 5 },
  failed: 32768,
  accessDenied: 32769,
  notSupported: 32770,
  timeout: 32772,
  invalidParameter: 32773,
  inUse: 32774,
  invalidState: 32775,
  notAvailable: 32777,
  incorrectData: 32776,
  outOfMemory: 32778,
  fileNotFound: 32779,
  notReady: 32780,
} as const;

/** That a method, or its job, does not do what was asked. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
