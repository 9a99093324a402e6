import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import type * as contract from '../component/contract.js';

export type * from '../component/contract.js';

/** An application's settings; what is left out has the usual value. `rotateBefore` is 1 second to 173 days, `patience` 1 second to 6 days. */
export type Application = Partial<contract.Settings> & Pick<contract.Settings, 'clientId' | 'apiEndpoint'>;

/** What a `Rotator` works with. */
export interface Options {
  /** The applications that it looks after. */
  applications: Application[];
  /** Where the records are kept. */
  store: contract.Store;
  /** Where the messages come from; without one they come through `deliver`. */
  queue?: contract.Queue;
  /** Where credentials are handed to; without it there is no target. */
  publish?: contract.Publish;
  /** Who is told what happens. */
  observe?: contract.Observe;
  /** Sends requests; otherwise an `Http` that allows the applications' endpoints and nothing else. */
  http?: contract.Http;
  /** Where the time comes from, in milliseconds since 1970; otherwise from the system. */
  now?: () => number;
  /** Where random numbers come from, 64 bits each; otherwise from the system. With the same time, answers and random numbers a run is the same. */
  random?: () => bigint;
}

export interface Rotator extends contract.Rotation {}

/** The component with its host. Any call may be cut off or repeated; calls may run at the same time. They fail with a `RotationError`. */
export class Rotator {
  constructor(options: Options);
}

/**
 * Why a call was not carried out: a case of the contract's `error`, with its value, or `stopped` when an argument or an answer of the host's was
 * not of the contract's type. Nothing is lost.
 */
export class RotationError extends Error {
  tag: contract.RotationCase['tag'] | 'stopped';
  val?: unknown;
}

/** What a store, a queue and so on throw: `tag` is a case of the import's `error` in the contract, the text is for people and holds no secret. */
export class Failure extends Error {
  constructor(tag: string, text?: string);
}

export interface FileStore extends contract.Store {}
/** A folder for each record, holding two revisions: the one before stays until the next save. See the README for what it promises. */
export class FileStore {
  constructor(folder: string);
}

export interface Sqs extends contract.Queue {}
/** Amazon SQS: queues by the names that `drain` takes, with their URLs. */
export class Sqs {
  constructor(queues: Record<string, string>, config?: SQSClientConfig);
}

export interface Http extends contract.Http {}
/** Requests to the origins of these URLs and to no other. */
export class Http {
  constructor(urls: string[]);
}
