import { isJson, type Json } from '#controllers/kubernetes/wire.js';

export { isJson, type Json };

/** Of what anybody may have written, what is as it should be; all else is as if it were not there. */
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isJson) : []);

export const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
