import { setTimeout as sleep } from 'node:timers/promises';
import type { Envelope } from '../events/index.ts';
import { type Incident, isLive, type Remediation } from '../model/index.ts';
import { BY_HAND } from '../remediation/index.ts';
import { again, done, type Rest } from '../runtime/rest.ts';
import type { Topic } from '../runtime/settings.ts';
import { ids, mergeInto, type Store } from '../store/index.ts';
import {
  approvalMessage,
  automationMessage,
  controlMessage,
  harmMessage,
  incidentMessage,
  type Message,
  sourceMessage,
  stuckMessage,
} from './messages.ts';
import { FRESH_MS, type Route, routesFor } from './routes.ts';

/** Longer than a publish may take. A crash leaves the lease behind; the message is then sent again, once. */
const LEASE_MS = 30_000;
/** A table that is throttled right after a message was sent is waited for, within the lease. */
const RECORDINGS = 6;
const RECORD_AGAIN_MS = 300;

export interface Publishing extends Message {
  readonly topic: Topic;
  /** What subscriptions may filter on. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** The channel refused the message for good. */
export class ChannelRefused extends Error {
  override readonly name = 'ChannelRefused';
}

export interface NotifyDeps {
  store: Store;
  now: () => number;
  /** Where the master answers a question; undefined: QMOI does not know its own address. */
  approvalLink?: (fix: Remediation) => Promise<string | undefined>;
  /** Hands a message to its topic and returns the topic's id for it. Throws `ChannelRefused`, or anything else to be tried again. */
  publish: (message: Publishing) => Promise<string>;
}

/** Sends the messages that an event owes, each once: what was recorded as sent is never sent again. */
export async function notify(type: string, envelope: Envelope, deps: NotifyDeps): Promise<Rest> {
  if (envelope.entity === 'notification') return resend(envelope.key, deps);
  const fitting = isLive(envelope.origin) ? routesFor(type, envelope, deps.now()) : [];
  if (fitting.length === 0) return done;
  const owing = await owingOf(envelope, deps);
  if (owing === undefined) return done;
  const { message, incident } = owing;
  let rest: Rest = done;
  for (const route of fitting) {
    if (route.when !== undefined && (incident === undefined || !route.when(incident))) continue;
    const id = owed(type, envelope, route, message, incident, deps);
    const sent = await send(await id, deps);
    if (sent.again) rest = sent;
  }
  return rest;
}

interface Owing {
  readonly message: Message;
  readonly incident?: Incident;
}

/** What is to be said of an event, by what is known of its subject by now; undefined: nothing. */
async function owingOf(envelope: Envelope, deps: NotifyDeps): Promise<Owing | undefined> {
  const { key, to } = envelope;
  const { store } = deps;
  switch (envelope.entity) {
    case 'incident': {
      const incident = await store.get('incident', key);
      if (incident === undefined) return undefined;
      // The master did that, and what it was about goes on.
      if (incident.mergedInto !== undefined && to === 'resolved') return undefined;
      // An incident opens when QMOI hears of it, which may be long after what happened.
      if (to === 'open' && deps.now() - Date.parse(incident.lastSeenAt) > FRESH_MS) return undefined;
      return { message: incidentMessage(incident, to), incident };
    }
    case 'control': {
      const control = await store.get('control', key);
      return control && { message: controlMessage(control) };
    }
    case 'automation': {
      const automation = await store.get('automation', key);
      return automation && { message: automationMessage(automation, to) };
    }
    case 'source': {
      const source = await store.get('source', key);
      return source && { message: sourceMessage(source, to) };
    }
    case 'remediation': {
      const fix = await store.get('remediation', key);
      if (to === 'rolling-back') return fix?.harm === undefined ? undefined : { message: harmMessage(fix) };
      if (fix?.status === 'not-rolled-back') return { message: stuckMessage(fix) };
      // What the master asked for needs no second word.
      const asks = fix?.status === 'awaiting-approval' && fix.playbook !== BY_HAND && fix.version === envelope.version;
      return asks ? { message: approvalMessage(fix, await deps.approvalLink?.(fix)) } : undefined;
    }
    default:
      return undefined;
  }
}

/** Notes what is owed, before anything is sent. Returns its id. */
async function owed(
  event: string,
  envelope: Envelope,
  route: Route,
  message: Message,
  incident: Incident | undefined,
  { store, now }: NotifyDeps,
): Promise<string> {
  // A control may be stopped many times, and each time is news; an incident goes through a status once.
  const subject = incident !== undefined ? envelope.key : `${envelope.key}@${envelope.version}`;
  const id = ids.notification(envelope.entity, subject, envelope.to, route.name);
  await store.change('notification', id, (state) =>
    state !== undefined
      ? undefined
      : mergeInto('notification', undefined, {
          id,
          status: 'pending',
          statusAt: store.now(),
          wakeAt: new Date(now() + LEASE_MS).toISOString(),
          origin: envelope.origin,
          event,
          subject: envelope.key,
          route: route.name,
          topic: route.topic,
          title: message.title,
          body: message.body,
          ...(incident !== undefined && { incidentId: incident.id }),
        }),
  );
  return id;
}

const resend = (id: string, deps: NotifyDeps): Promise<Rest> => send(id, deps);

async function send(id: string, { store, now, publish }: NotifyDeps): Promise<Rest> {
  const leaseUntil = new Date(now() + LEASE_MS).toISOString();
  const claim = await store.change('notification', id, (state) => {
    if (state?.status !== 'pending') return undefined;
    if (state.leaseUntil !== undefined && Date.parse(state.leaseUntil) > now()) return undefined;
    return { ...state, leaseUntil, wakeAt: leaseUntil };
  });
  const { after: pending } = claim;
  if (pending?.status !== 'pending') return done;
  if (!claim.changed)
    return again((Date.parse(pending.leaseUntil ?? leaseUntil) - now()) / 1000, 'another worker sends it');
  let messageId: string;
  try {
    messageId = await publish({
      topic: pending.topic as Topic,
      title: pending.title,
      body: pending.body,
      attributes: {
        event: pending.event,
        route: pending.route,
        ...(pending.incidentId !== undefined && { incidentId: pending.incidentId }),
      },
    });
  } catch (error) {
    if (error instanceof ChannelRefused) {
      await settle('failed', { reason: error.message });
      return done;
    }
    // Refused before it was accepted: nothing was sent, so the lease need not be waited for.
    await store.change('notification', id, (state) => {
      if (state?.status !== 'pending') return undefined;
      const { leaseUntil: _, ...free } = state;
      return free;
    });
    throw error;
  }
  // It is on its way: what fails from here on must not send it again.
  for (let attempt = 1; ; attempt++) {
    try {
      await settle('sent', { messageId });
      return done;
    } catch (error) {
      if (attempt === RECORDINGS) throw error;
      await sleep(RECORD_AGAIN_MS * attempt);
    }
  }

  function settle(status: 'sent' | 'failed', fields: { messageId?: string; reason?: string }) {
    return store.change('notification', id, (state) =>
      state === undefined
        ? undefined
        : mergeInto('notification', state, { id, status, statusAt: store.now(), origin: state.origin, ...fields }),
    );
  }
}
