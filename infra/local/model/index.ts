export { readModel } from './read.ts';
export type {
  ApiDefinition,
  AuthorizerDefinition,
  FunctionDefinition,
  HostModel,
  QueueMapping,
  RouteDefinition,
  StreamMapping,
  Throttle,
} from './types.ts';
