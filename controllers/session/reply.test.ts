import t from 'tap';
import { DriverError, type DriverErrorCode } from '#drivers/error.js';
import { refusalOf } from './reply.js';

t.test('who comes in is told whose fault it is', async (t) => {
  const told = (code: DriverErrorCode) => refusalOf(new DriverError(code, 'why'));
  t.same(told('Denied'), { status: 403, message: 'why' });
  t.same(told('Exhausted'), { status: 507, message: 'why' });
  t.equal(told('NotOurs').status, 409);
  t.equal(told('CredentialsMissing').status, 503, 'they may come');
  t.same(refusalOf(new TypeError('a fault of ours')), { status: 500, message: 'a fault of ours' });
});
