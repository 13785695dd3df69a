/** libvirt's remote procedures, as far as we use them: numbers and fields as in its remote_protocol.x, which it keeps stable. */
export * from './procedures/connect.js';
export * from './procedures/domain.js';
export * from './procedures/events.js';
export * from './procedures/guest.js';
export * from './procedures/network.js';
export * from './procedures/sasl.js';
export * from './procedures/secret.js';
export * from './procedures/storage.js';
