export { type EntityEvent, type Envelope, eventOf, imageOf } from './envelope.ts';
export { type PublishPorts, publishRecords, type Unpublishable } from './publish.ts';
export { emissions, PUBLISHED, patternOf, type Subscriber, type Subscription, subscriptions } from './subscriptions.ts';
