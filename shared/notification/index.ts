export { ChannelRefused, type NotifyDeps, notify, type Publishing } from './notify.ts';
export { type Route, routes } from './routes.ts';
