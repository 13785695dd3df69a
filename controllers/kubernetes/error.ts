export type ApiErrorReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  /** A stale resourceVersion or uid, or a field that another manager owns. */
  | 'Conflict'
  /** The resourceVersion or continue token is gone: list again. */
  | 'Expired'
  | 'Invalid'
  | 'TooManyRequests'
  /** Not reached, not answered in time, or the connection broke. */
  | 'Unavailable'
  /** Something else than the Kubernetes API answered, or it broke its own format. */
  | 'Malformed'
  | 'Internal';

export interface ApiErrorOptions extends ErrorOptions {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly reason: ApiErrorReason;
  readonly retryAfterMs?: number;
  /** The server's own words. */
  readonly words?: string;
  /** Of Invalid: field by field. */
  readonly causes?: readonly FieldCause[];
}

export interface FieldCause {
  /** As `spec.memory.size`; empty when it is about no field. */
  readonly field: string;
  readonly message: string;
}

/** What goes wrong between us and the API server. The message never holds credentials or bodies. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: ApiErrorReason;
  readonly retryAfterMs: number | undefined;
  readonly words: string | undefined;
  readonly causes: readonly FieldCause[];

  constructor(message: string, options: ApiErrorOptions) {
    super(message, options);
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
    this.words = options.words;
    this.causes = options.causes ?? [];
  }

  static is(error: unknown, ...reasons: readonly ApiErrorReason[]): error is ApiError {
    return error instanceof ApiError && (reasons.length === 0 || reasons.includes(error.reason));
  }
}
