import type { Client, ClientOptions } from './api.js';
import type { Connection } from './connection.js';
import { HttpClient } from './http-client.js';

export type {
  ApplyOptions,
  Client,
  ClientOptions,
  DeleteOptions,
  ListQuery,
  Manifest,
  Page,
  Patch,
  PatchOptions,
  Reading,
  RequestReport,
  Selection,
  WatchEvent,
  WatchQuery,
} from './api.js';
export { type Connection, loadKubeConfig } from './connection.js';
export { ApiError, type ApiErrorReason } from './error.js';

export function createClient(connection: Connection, options: ClientOptions = {}): Client {
  return new HttpClient(connection, options);
}
