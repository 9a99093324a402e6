import type * as contract from '../component/contract.js';

export interface MemoryStore extends contract.Store {}
/** Keeps records in memory; lost with the process. */
export class MemoryStore {}

export interface MemoryQueue extends contract.Queue {}
/** One queue in memory, for whatever name: a message that is not deleted comes back when its time has come. */
export class MemoryQueue {
  constructor(options?: { now?: () => number });
  /** How many messages there are, hidden ones included. */
  readonly length: number;
  /** Puts a message in; answers its id. */
  send(body: string | Uint8Array): string;
}
