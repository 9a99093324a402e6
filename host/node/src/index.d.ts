import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import type * as contract from '../component/contract.js';

export type * from '../component/contract.js';

/** A publish target. Its place is `function://MACHINE/NAME` where it is left out. */
export interface Target {
  /** Its name; `publish.put` and `publish.read` are called with it. */
  name: string;
  /** Where it writes: a text that no other place has, whatever machine the program runs on. */
  place?: string;
}

/**
 * An application's settings; what is left out has the usual value: the queue `main`, `automatic`, 30 days, 1 hour, no targets. `rotateBefore` is 1 second to
 * 173 days, `patience` 1 second to 6 days.
 */
export type Application = Partial<Omit<contract.Settings, 'targets'>> & Pick<contract.Settings, 'clientId' | 'apiEndpoint'> & { targets?: Target[] };

/** What a `Rotator` works with. */
export interface Options {
  /** The applications that it looks after. */
  applications: Application[];
  /** Where the records are kept. */
  store: contract.Store;
  /** Where the messages come from; without one they come through `deliver`. */
  queue?: contract.Queue;
  /** Where credentials go; without it there is no target. Without `read` the places cannot be read. */
  publish?: Pick<contract.Publish, 'put'> & Partial<contract.Publish>;
  /** What takes the events. */
  observe?: contract.Observe;
  /** Sends requests; otherwise an `Http` that allows the applications' endpoints and nothing else. */
  http?: contract.Http;
  /** This machine in the places of targets that have none of their own; otherwise the host name. */
  machine?: string;
  /** Where the time comes from, in milliseconds since 1970; otherwise from the system. */
  now?: () => number;
  /** Where random numbers come from, 64 bits each; otherwise from the system. With the same time, answers and random numbers a run is the same. */
  random?: () => bigint;
}

export interface Rotator extends contract.Rotation {}

/** The component with its host. Any call may be cut off or repeated; calls may run at the same time. They fail with a `RotationError`. */
export class Rotator {
  constructor(options: Options);
  /** The settings, with the usual values and the places. */
  readonly applications: contract.Settings[];
  /** The time that it works by, in milliseconds since 1970. */
  now(): number;
}

/**
 * Drains the queue and advances one application until it is settled, a person is needed (see `problem`), or nothing more can happen within `timeout` seconds
 * (600). Fails with the error of its last `advance`, or of the queue when the application is not settled.
 */
export function runUntilSettled(rotator: Rotator, clientId: string, options?: { timeout?: number }): Promise<contract.ApplicationStatus>;

/** What a visit came to. */
export interface Visit {
  /** The last status of each application. */
  statuses: contract.ApplicationStatus[];
  /** What failed last, and of which application or queue. */
  failures: { name: string; error: RotationError }[];
}

/** Does all that is due for all applications, and waits for what is under way, for `timeout` seconds at most (60). For a timer to call. */
export function visit(rotator: Rotator, options?: { timeout?: number }): Promise<Visit>;

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
/** Amazon SQS: queues by the names of the settings, with their URLs. */
export class Sqs {
  constructor(queues: Record<string, string>, config?: SQSClientConfig, options?: SqsOptions);
}

/** What an `Sqs` does beside receiving. */
export interface SqsOptions {
  /** `pushed` where a service passes the messages to `deliver`, such as an event source mapping of AWS Lambda; otherwise `pulled`. */
  flow?: contract.Flow;
  /** A client of `@aws-sdk/client-kms` for a region: `(region) => new KMS({ region })`. Without it the key of a queue is not checked. */
  kms?: (region: string) => Kms;
}

/** What is asked of AWS KMS. */
export interface Kms {
  describeKey(input: { KeyId: string }, options?: { abortSignal?: AbortSignal }): Promise<{ KeyMetadata?: { Arn?: string; KeyState?: string; KeyManager?: string } }>;
  getKeyPolicy(input: { KeyId: string; PolicyName?: string }, options?: { abortSignal?: AbortSignal }): Promise<{ Policy?: string }>;
}

export interface Http extends contract.Http {}
/** Requests to the origins of these URLs and to no other. */
export class Http {
  constructor(urls: string[], options?: { now?: () => number });
}
