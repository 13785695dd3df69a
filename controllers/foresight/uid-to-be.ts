import { uuidOf } from '../derived-uuid.js';
import { keyOf, type ObjectRef } from '../kubernetes/resource.js';

/** In place of the uid that nobody knows before an object is made: the same in each plan. */
export const uidToBe = (kind: string, ref: ObjectRef): string => uuidOf(['virtwright.io/plan', kind, keyOf(ref)]);
