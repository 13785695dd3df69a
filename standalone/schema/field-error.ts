import type { Json } from '../json.js';

/** What is wrong with a field, in the words of Kubernetes: a cause of a Status. */
export interface FieldError {
  /** `spec.disks[0].name` */
  readonly field: string;
  readonly reason: FieldErrorReason;
  readonly message: string;
}

export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueTypeInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden';

export const quoted = (value: Json | undefined): string => {
  const text = typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'array' : 'object') : value;
  return JSON.stringify(text) ?? 'null';
};

export const required = (field: string, detail = ''): FieldError => ({
  field,
  reason: 'FieldValueRequired',
  message: detail === '' ? 'Required value' : `Required value: ${detail}`,
});

export const invalid = (field: string, value: Json | undefined, detail: string): FieldError => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${quoted(value)}: ${detail}`,
});

export const typeInvalid = (field: string, value: Json | undefined, detail: string): FieldError => ({
  field,
  reason: 'FieldValueTypeInvalid',
  message: `Invalid value: ${quoted(value)}: ${detail}`,
});

export const unsupported = (field: string, value: Json | undefined, accepted: readonly Json[]): FieldError => ({
  field,
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${quoted(value)}: supported values: ${accepted.map((one) => JSON.stringify(one)).join(', ')}`,
});

export const tooLong = (field: string, most: number): FieldError => ({
  field,
  reason: 'FieldValueTooLong',
  message: `Too long: may not be more than ${most} bytes`,
});

export const tooMany = (field: string, count: number, most: number): FieldError => ({
  field,
  reason: 'FieldValueTooMany',
  message: `Too many: ${count}: must have at most ${most} items`,
});

export const duplicate = (field: string, value: Json): FieldError => ({
  field,
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${JSON.stringify(value)}`,
});

export const forbidden = (field: string, detail: string): FieldError => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${detail}`,
});
