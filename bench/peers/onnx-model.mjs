// Builds one-node ONNX models in memory: the few protobuf messages that they take, written by hand.
// Field numbers: onnx.proto of ONNX; wire format: the Protocol Buffers encoding guide.

const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;
export const elementTypes = { float32: FLOAT, int32: INT32, int64: INT64 };

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
const IR_VERSION = 10; // the oldest that knows operator set 23
const MAIN_OPERATOR_SET = 23; // every model names one of ai.onnx, used or not
const ATTRIBUTE_FLOAT = 1; // AttributeProto.AttributeType
const ATTRIBUTE_INT = 2;

/**
 * @param {object} node
 * @param {string} node.operator Such as 'GroupQueryAttention'.
 * @param {string} node.domain '' for ai.onnx.
 * @param {number} node.operatorSet Version of the domain's operator set.
 * @param {Record<string, number>} node.attributes Floats are told from integers by `node.floats`.
 * @param {string[]} [node.floats] Names of the attributes of type float.
 * @param {({ name: string, type?: keyof typeof elementTypes, shape: (number | string)[] } | null)[]} node.inputs
 *   In the operator's order; null for an optional one left out. A string in a shape names a free extent.
 * @param {({ name: string, shape: (number | string)[] } | null)[]} node.outputs
 * @returns {Uint8Array} A model for `InferenceSession.create`.
 */
export function oneNodeModel({ operator, domain, operatorSet, attributes, floats = [], inputs, outputs }) {
  const names = (values) => values.map((value) => value?.name ?? '');
  const node = message(
    ...names(inputs).map((name) => text(1, name)),
    ...names(outputs).map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => nested(5, attribute(name, value, floats.includes(name)))),
    text(7, domain),
  );
  const graph = message(
    nested(1, node),
    text(2, operator),
    ...inputs.filter(Boolean).map((value) => nested(11, valueInfo(value))),
    ...outputs.filter(Boolean).map((value) => nested(12, valueInfo(value))),
  );
  return message(
    integer(1, IR_VERSION),
    nested(7, graph),
    ...Object.entries({ '': MAIN_OPERATOR_SET, [domain]: operatorSet }).map(([name, version]) =>
      nested(8, message(text(1, name), integer(2, version))),
    ),
  );
}

function attribute(name, value, isFloat) {
  return isFloat
    ? message(text(1, name), float(2, value), integer(20, ATTRIBUTE_FLOAT))
    : message(text(1, name), integer(3, value), integer(20, ATTRIBUTE_INT));
}

function valueInfo({ name, type = 'float32', shape }) {
  const extents = shape.map((extent) =>
    nested(1, typeof extent === 'number' ? message(integer(1, extent)) : message(text(2, extent))),
  );
  const tensorType = message(integer(1, elementTypes[type]), nested(2, message(...extents)));
  return message(text(1, name), nested(2, message(nested(1, tensorType))));
}

const message = (...fields) => Buffer.concat(fields);
const tag = (field, wireType) => varint(field * 8 + wireType);
const integer = (field, value) => Buffer.concat([tag(field, VARINT), varint(value)]);
const nested = (field, bytes) => Buffer.concat([tag(field, LENGTH_DELIMITED), varint(bytes.length), bytes]);
const text = (field, value) => nested(field, Buffer.from(value, 'utf8'));

function float(field, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, FIXED32), bytes]);
}

/** Seven bits per byte, least significant first; negative numbers as 64-bit two's complement. */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
