export { runUntilSettled, visit } from './drive.js';
export { Failure, RotationError } from './failure.js';
export { FileStore } from './file-store.js';
export { Http } from './http.js';
export { Rotator } from './rotator.js';
export { Sqs } from './sqs.js';
