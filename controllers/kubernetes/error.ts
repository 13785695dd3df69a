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
}

/** What goes wrong between us and the API server. The message never holds credentials or bodies. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: ApiErrorReason;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ApiErrorOptions) {
    super(message, options);
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
  }

  static is(error: unknown, ...reasons: readonly ApiErrorReason[]): error is ApiError {
    return error instanceof ApiError && (reasons.length === 0 || reasons.includes(error.reason));
  }
}
