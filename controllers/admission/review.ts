import type { Advice } from './advice.js';

/** What an API server asks of a webhook (`admission.k8s.io/v1`). */
export interface Review {
  readonly uid: string;
  readonly kind: string;
  /** As it would be. */
  readonly object: unknown;
}

/** @throws TypeError for what is no question */
export function readReview(body: unknown): Review {
  const { request } = objectOf(body);
  const { uid, kind, object } = objectOf(request);
  const { kind: name } = objectOf(kind);
  if (typeof uid !== 'string' || typeof name !== 'string')
    throw new TypeError('an AdmissionReview with request.uid and request.kind is accepted here');
  return { uid, kind: name, object };
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** The answer. */
export const answerTo = ({ uid }: Review, { warnings, refusal }: Advice): object => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response: {
    uid,
    allowed: refusal === undefined,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(refusal === undefined ? {} : { status: { code: 422, reason: 'Invalid', message: refusal } }),
  },
});
