import t from 'tap';
import { readLeaseSeconds } from './network-leases.js';

const seconds = (...lenders: readonly string[]) =>
  readLeaseSeconds(`<network><ip address='10.0.0.1'><dhcp>${lenders.join('')}</dhcp></ip></network>`);
const range = (inside = '') => `<range start='10.0.0.2' end='10.0.0.9'>${inside}</range>`;

t.test('for how long addresses are lent is told where all are lent alike', async (t) => {
  t.equal(seconds(range()), 3_600);
  t.equal(seconds(range(`<lease expiry='2' unit='hours'/>`)), 7_200);
  t.equal(seconds(range(`<lease expiry='2'/>`)), 120);
  t.equal(seconds(range(`<lease expiry='90' unit='seconds'/>`)), 90);
  t.equal(seconds(range(), `<host mac='52:54:00:00:00:01' ip='10.0.0.3'/>`), 3_600);
  t.equal(seconds(range(), `<host mac='52:54:00:00:00:01' ip='10.0.0.3'><lease expiry='1' unit='hours'/></host>`), 3_600);
});

t.test('where some are lent for longer, or all for ever, nobody can tell', async (t) => {
  t.equal(seconds(range(), `<host mac='52:54:00:00:00:01' ip='10.0.0.3'><lease expiry='5'/></host>`), undefined);
  t.equal(seconds(range(`<lease expiry='0'/>`)), undefined);
  t.equal(readLeaseSeconds('<network/>'), undefined);
});
