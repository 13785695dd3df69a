import type { Connection } from '#drivers/libvirt/rpc/connection.js';

/** The connection, but for its calls: whoever listens in on them, or has some fail. */
export const withCalls = (connection: Connection, call: Connection['call']): Connection => ({
  call,
  callAlone: (...args) => connection.callAlone(...args),
  upload: (...args) => connection.upload(...args),
  download: (...args) => connection.download(...args),
  openStream: (...args) => connection.openStream(...args),
  events: (watching) => connection.events(watching),
  isLocal: connection.isLocal,
  reach: (...args) => connection.reach(...args),
  closed: connection.closed,
  [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
});
