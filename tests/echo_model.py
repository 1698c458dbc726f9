"""A TFLite model whose scores are its input ids, to see what the device's tokenizer computes."""

import flatbuffers
from ai_edge_litert import schema_py_generated as schema


def echo_model(length: int) -> bytes:
    """A model of one CAST: int32 ids [1, length] -> float32 scores [1, length]."""
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0], [1]

    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("ids", length, schema.TensorType.INT32),
        _tensor("scores", length, schema.TensorType.FLOAT32),
    ]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]

    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CAST
    code.version = 1

    model = schema.ModelT()
    model.version = 3
    model.description = "echo"
    model.operatorCodes, model.subgraphs, model.buffers = [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: str, length: int, tensor_type: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name, [1, length], tensor_type
    return tensor
