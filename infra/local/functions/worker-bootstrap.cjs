/**
 * What Lambda's runtime does inside the sandbox, inside a worker thread: loads the handler once, then serves one
 * invocation at a time. Plain JavaScript, because a worker does not inherit the loader that runs the host's TypeScript.
 */
'use strict';

const { existsSync, readFileSync } = require('node:fs');
const Module = require('node:module');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { parentPort, workerData } = require('node:worker_threads');

/** A larger answer is an error of the function: Function.ResponseSizeTooLarge. */
const LARGEST_RESPONSE = 6 * 1024 * 1024 + 100;

followHostClock(workerData.clock);
captureOutput();
start();

async function start() {
  const began = performance.now();
  let handler;
  try {
    handler = await load(workerData.folder, workerData.handler);
  } catch (error) {
    parentPort.postMessage({ type: 'init-failed', error: describe(error) });
    return;
  }
  parentPort.on('message', (message) => serve(handler, message));
  parentPort.postMessage({ type: 'ready', initMs: performance.now() - began });
}

async function load(folder, name) {
  const dot = name.lastIndexOf('.');
  const module = name.slice(0, dot);
  const file = ['.js', '.cjs', '.mjs'].map((end) => join(folder, module + end)).find(existsSync);
  if (!file) throw named('Runtime.ImportModuleError', `Error: Cannot find module '${module}'`);
  const loaded = isModule(folder, file) ? await import(pathToFileURL(file).href) : requireFrom(folder, file);
  const handler = loaded[name.slice(dot + 1)] ?? loaded.default?.[name.slice(dot + 1)];
  if (typeof handler !== 'function') {
    throw named('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  }
  // Node 24 on Lambda refuses handlers that want a callback.
  if (handler.length > 2) {
    throw named(
      'Runtime.CallbackHandlerDeprecated',
      'ERROR: AWS Lambda has removed support for callback-based function handlers',
    );
  }
  return handler;
}

/** On Lambda nothing above the bundle says what `.js` means; here the checkout's own package.json would. */
function isModule(folder, file) {
  if (file.endsWith('.mjs')) return true;
  const manifest = join(folder, 'package.json');
  return file.endsWith('.js') && existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).type === 'module';
}

function requireFrom(folder, file) {
  const byExtension = Module._extensions['.js'];
  Module._extensions['.js'] = (module, name) => {
    if (!name.startsWith(folder)) return byExtension(module, name);
    module._compile(readFileSync(name, 'utf8'), name, 'commonjs');
  };
  return require(file);
}

async function serve(handler, { id, event, timeoutMs, traceId }) {
  const deadline = performance.now() + timeoutMs;
  process.env._X_AMZN_TRACE_ID = traceId;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: workerData.functionArn,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: id,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - performance.now())),
  };
  let message;
  try {
    const result = await handler(JSON.parse(event), context);
    const payload = JSON.stringify(result === undefined ? null : result);
    const size = Buffer.byteLength(payload);
    message =
      size > LARGEST_RESPONSE
        ? {
            type: 'failed',
            id,
            error: {
              errorType: 'Function.ResponseSizeTooLarge',
              errorMessage: `Response payload size exceeded maximum allowed payload size (${LARGEST_RESPONSE} bytes).`,
            },
          }
        : { type: 'done', id, payload };
  } catch (error) {
    const described = describe(error);
    process.stderr.write(
      `${JSON.stringify({ level: 'ERROR', message: 'Invoke Error', requestId: id, ...described })}\n`,
    );
    message = { type: 'failed', id, error: described };
  }
  flushOutput();
  parentPort.postMessage(message);
}

function describe(error) {
  if (error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error)) {
    return {
      errorType: String(error.name ?? 'Error'),
      errorMessage: String(error.message),
      trace: String(error.stack ?? '').split('\n'),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

let pending = [];
let flushing = false;

/** Writes go to the host in one message per turn, far cheaper than a worker's own output streams. */
function captureOutput() {
  for (const name of ['stdout', 'stderr']) {
    process[name].write = (chunk, encoding, callback) => {
      pending.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
      if (!flushing) {
        flushing = true;
        setImmediate(flushOutput);
      }
      const done = typeof encoding === 'function' ? encoding : callback;
      if (done) process.nextTick(done);
      return true;
    };
  }
  process.on('exit', flushOutput);
}

function flushOutput() {
  flushing = false;
  if (pending.length === 0) return;
  const text = pending.join('');
  pending = [];
  parentPort.postMessage({ type: 'output', text });
}

/** On the manual clock `new Date()` and `Date.now()` read the host's time; durations stay real. */
function followHostClock(shared) {
  if (!shared) return;
  const cell = new BigInt64Array(shared);
  const RealDate = Date;
  const now = () => Number(Atomics.load(cell, 0));
  RealDate.now = now;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new RealDate(now()).toString(),
  });
  RealDate.prototype.constructor = globalThis.Date;
}
