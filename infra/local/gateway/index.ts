export { readBody } from './body.ts';
export type { GatewayRequest } from './event.ts';
export { createGateway, type Gateway, type OwnRequest } from './gateway.ts';
export { type GatewayResponse, gatewayError } from './response.ts';
